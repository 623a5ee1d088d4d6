/** The site's build. Static pages in both languages; everything it serves is its own. */
import createNextIntlPlugin from "next-intl/plugin";
import { generateApiTexts } from "./lib/tools/api-texts.mjs";

generateApiTexts(process.cwd());

const withNextIntl = createNextIntlPlugin("./lib/i18n/request.ts");

/** @type {import("next").NextConfig} */
const config = {
  // These load files or binaries of their own at run time, which a bundler would lose.
  serverExternalPackages: [
    "mdx-bundler",
    "esbuild",
    "@libsql/client",
    "libsql",
    "@prisma/adapter-libsql",
    "@prisma/adapter-pg",
    "pg",
  ],
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false,
  // `npm run types` checks the whole repository; a start on a fresh clone need not do so again.
  typescript: { ignoreBuildErrors: true },
  // Content and the simulator's sources are read at run time (lessons in development, the replay bundle): no tracing of them.
  outputFileTracingExcludes: { "/*": ["./tests/**", "./.cache/**", "./docs/**"] },
  experimental: { optimizePackageImports: ["lucide-react"] },
  async headers() {
    return [
      {
        source: "/:path*",
        headers: [
          { key: "X-Content-Type-Options", value: "nosniff" },
          { key: "Referrer-Policy", value: "same-origin" },
          { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=(), browsing-topics=()" },
          { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
        ],
      },
      {
        source: "/sw.js",
        headers: [
          { key: "Cache-Control", value: "no-cache" },
          { key: "Content-Security-Policy", value: "default-src 'self'" },
        ],
      },
    ];
  },
};

export default withNextIntl(config);
