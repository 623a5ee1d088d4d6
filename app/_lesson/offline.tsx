"use client";
/** Registers the service worker and hands it what this page has already loaded, so that it opens again without a network. */
import { useEffect } from "react";
import { usePathname } from "next/navigation";

export function Offline() {
  const pathname = usePathname();
  useEffect(() => {
    if (process.env.NODE_ENV !== "production" || !("serviceWorker" in navigator)) return;
    let isCurrent = true;
    const keep = async () => {
      await navigator.serviceWorker.register("/sw.js");
      const { active } = await navigator.serviceWorker.ready;
      if (!isCurrent) return;
      const loaded = performance
        .getEntriesByType("resource")
        .map((entry) => entry.name)
        .filter((name) => name.startsWith(`${location.origin}/_next/static/`));
      active?.postMessage({ kind: "keep", page: pathname, assets: [...new Set(loaded)] });
    };
    // After the page has settled: the terminal and the worker are loaded late.
    const timer = setTimeout(() => void keep().catch(() => {}), 2500);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [pathname]);
  return null;
}
