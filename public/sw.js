/**
 * Keeps what the learner has opened, so that it opens again offline. Built files have their content in their name and are
 * kept first-come; pages are asked from the network and kept for when there is none. It stores nothing that was not shown.
 */
const ASSETS = "assets-1";
const PAGES = "pages-1";
const ASSETS_MAX = 400;
const PAGES_MAX = 120;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== ASSETS && name !== PAGES) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data?.kind !== "keep") return;
  event.waitUntil(keep(event.data));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/api/")) return;
  if (url.pathname.startsWith("/_next/static/")) event.respondWith(asset(request));
  else if (request.mode === "navigate" || request.headers.get("RSC") === "1" || /\.(svg|png|webmanifest|txt)$/.test(url.pathname)) {
    event.respondWith(page(request));
  }
});

/** A response made anew: one from the cache carries the address it was stored under, and a worker reads its own from it. */
const anew = (response) => new Response(response.body, { status: response.status, headers: response.headers });

async function asset(request) {
  const cache = await caches.open(ASSETS);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return anew(kept);
  const response = await fetch(request);
  if (response.ok && response.status === 200) {
    await cache.put(request, response.clone());
    void trim(cache, ASSETS_MAX);
  }
  return response;
}

async function page(request) {
  const cache = await caches.open(PAGES);
  const key = pageKey(request);
  try {
    const response = await fetch(request);
    if (response.ok && !response.redirected) {
      await cache.put(key, response.clone());
      void trim(cache, PAGES_MAX);
    }
    return response;
  } catch (error) {
    const kept = await cache.match(key, { ignoreVary: true });
    if (kept) return anew(kept);
    throw error;
  }
}

/** One key for a document and another for the data of the same page; the router's cache-busting parameter is no part of it. */
function pageKey(request) {
  const url = new URL(request.url);
  url.searchParams.delete("_rsc");
  if (request.headers.get("RSC") === "1") url.searchParams.set("kind", request.headers.get("Next-Router-Segment-Prefetch") ?? "rsc");
  return url.href;
}

async function keep({ page: path, assets }) {
  const cache = await caches.open(ASSETS);
  await Promise.all(
    assets.map(async (name) => {
      if (await cache.match(name, { ignoreVary: true })) return;
      const response = await fetch(name);
      if (response.ok) await cache.put(name, response);
    }),
  );
  const pages = await caches.open(PAGES);
  const response = await fetch(path, { credentials: "same-origin" });
  if (response.ok && !response.redirected) await pages.put(new URL(path, self.location.origin).href, response);
}

async function trim(cache, most) {
  const keys = await cache.keys();
  for (const key of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(key);
}
