/** Tailwind 4 is the only PostCSS plugin. */
export default { plugins: { "@tailwindcss/postcss": {} } };
