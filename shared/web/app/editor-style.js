// The styles of the editor and of conflicts come with the modules that need them: the first view does without.

const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("editor.css", import.meta.url).href });
await new Promise((done) => {
  link.onload = link.onerror = done;
  document.head.append(link);
});
