/**
 * Runs in the page's head, before the first paint: theme and divider as the reader left them. Tiny and without
 * dependencies; the security policy names it by its hash.
 */
export const THEME_SCRIPT = `(function(){try{var d=document.documentElement,t=localStorage.getItem("theme"),m=matchMedia("(prefers-color-scheme: dark)");function s(){t=localStorage.getItem("theme");d.dataset.theme=t||(m.matches?"dark":"light")}s();m.addEventListener("change",s);var w=localStorage.getItem("split");if(w)d.style.setProperty("--split",w)}catch(e){document.documentElement.dataset.theme="light"}})()`;
