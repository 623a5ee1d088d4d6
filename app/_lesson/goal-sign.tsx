/** A goal's state by shape as well as by colour. */
export function GoalSign({ isMet }: { readonly isMet: boolean }) {
  return (
    <svg viewBox="0 0 20 20" className={`mt-[0.15rem] size-5 shrink-0 ${isMet ? "arrive" : ""}`} aria-hidden="true">
      <circle
        cx="10"
        cy="10"
        r="7.4"
        fill={isMet ? "var(--go)" : "none"}
        stroke={isMet ? "var(--go)" : "var(--ink-3)"}
        strokeWidth="1.5"
      />
      {isMet ? (
        <path
          d="M6.6 10.2 l2.3 2.3 l4.4-4.7"
          fill="none"
          stroke="var(--surface)"
          strokeWidth="1.8"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      ) : null}
    </svg>
  );
}
