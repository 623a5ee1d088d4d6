/** The sign of the site: a course line that reaches its waypoint. */
export function Mark({ className = "" }: { readonly className?: string }) {
  return (
    <svg viewBox="0 0 24 24" className={className} fill="none" aria-hidden="true">
      <path
        d="M2 21 C 7 20, 8 14, 11 12.5"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeDasharray="3.2 2.6"
      />
      <circle cx="16" cy="9" r="5.6" stroke="var(--mark)" strokeWidth="1.8" />
      <circle cx="16" cy="9" r="1.9" fill="var(--mark)" />
    </svg>
  );
}
