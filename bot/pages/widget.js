// A round button for other sites that opens the chat page in a frame (N2):
//   <script src="https://HOST/pages/widget.js" data-lang="zh" data-sender="NAME" async></script>
// data-lang: zh (default) or en. data-sender: who the site knows the visitor as, at least 8 letters, digits or : . - _;
// without it the visitor is a stranger whom the chat page remembers. Nothing of the site is read, nothing is written to it.
(() => {
  const script = document.currentScript ?? document.querySelector('script[src*="/pages/widget.js"]');
  const address = new URL("/chat", script.src);
  const english = script.dataset.lang === "en";
  if (english) address.searchParams.set("lang", "en");
  if (script.dataset.sender) address.searchParams.set("as", script.dataset.sender);
  const words = english ? { open: "Community services", close: "Close" } : { open: "社区服务", close: "关闭" };

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" }); // the site's styles and ours leave each other alone
  const style = document.createElement("style");
  style.textContent = `
    button { position: fixed; right: 20px; bottom: 20px; z-index: 2147483646; width: 68px; height: 68px; border: 0; border-radius: 50%;
      background: #14614f; color: #fff; cursor: pointer; box-shadow: 0 4px 16px rgb(0 0 0 / 30%); }
    button:focus-visible { outline: 4px solid #1d4ed8; outline-offset: 3px; }
    svg { width: 34px; height: 34px; display: block; margin: auto; }
    iframe { position: fixed; right: 20px; bottom: 100px; z-index: 2147483646; width: min(420px, calc(100vw - 40px));
      height: min(640px, calc(100dvh - 120px)); border: 1px solid #d9cfbd; border-radius: 20px; background: #f6f1e7;
      box-shadow: 0 8px 32px rgb(0 0 0 / 30%); }
    iframe[hidden] { display: none; }
    @media (max-width: 480px) { iframe { right: 0; bottom: 96px; width: 100vw; height: calc(100dvh - 104px); border-radius: 20px 20px 0 0; } }`;
  const button = document.createElement("button");
  button.type = "button";
  const shapes = { open: "M4 5h16v11H9l-5 4z", close: "M6 6l12 12M18 6L6 18" };
  const frame = document.createElement("iframe");
  frame.title = words.open;
  frame.hidden = true;

  function show(open) {
    if (open && !frame.src) frame.src = address; // nothing is loaded before somebody wants it
    frame.hidden = !open;
    button.setAttribute("aria-label", open ? words.close : words.open);
    button.setAttribute("aria-expanded", String(open));
    button.innerHTML = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${shapes[open ? "close" : "open"]}"/></svg>`;
  }

  button.addEventListener("click", () => show(frame.hidden));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !frame.hidden) {
      show(false);
      button.focus();
    }
  });
  show(false);
  root.append(style, frame, button);
  (document.body ?? document.documentElement).append(host);
})();
