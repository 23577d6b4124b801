// Keeps the page and the files of the app, so that it opens without a connection. It never keeps responses of the API.
const HASH = "{{hash}}";
const FILES = [{{files}}];
const ROOT = new URL(self.registration.scope);
const PREFIX = `taskbell ${ROOT.pathname} `; // other deployments can share the origin
const CACHE = `${PREFIX}${HASH}`;
const PAGE = ROOT.href;
const FOLDER = new URL("app/", ROOT).href;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    // The page itself has the same URL in all releases, so the HTTP cache must not give an old one. During a deployment, the
    // network can: then this release is installed at the next attempt.
    const page = await fetch(PAGE, { cache: "reload" });
    if (!page.ok || !(await page.clone().text()).includes(HASH)) throw new Error("The page is of another release.");
    const cache = await caches.open(CACHE);
    const files = FILES.map((name) => `${FOLDER}${HASH}/${name}`);
    await cache.put(PAGE, page);
    await cache.addAll([`${FOLDER}${HASH}/icon.svg`, ...files]);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    // A tab that is open still has the release before, so that one stays.
    await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  url.hash = "";
  url.search = "";
  if (request.mode === "navigate" && url.href === PAGE) event.respondWith(page(request));
  else if (url.href.startsWith(FOLDER)) event.respondWith(file(request, url.href));
});

// The page comes from the network if it answers soon, so a new release is seen at the next load.
async function page(request) {
  const stored = await caches.match(PAGE, { cacheName: CACHE });
  if (!stored) return fetch(request);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(4000) });
    return response.ok ? response : stored;
  } catch {
    return stored;
  }
}

// Files in a folder of a release never change. The others come from the network if possible.
async function file(request, href) {
  const stored = await caches.match(href);
  const isImmutable = href.slice(FOLDER.length).includes("/");
  if (stored && isImmutable) return stored;
  try {
    return await fetch(request);
  } catch (error) {
    if (stored) return stored;
    throw error;
  }
}
