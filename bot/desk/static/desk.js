// What the desk needs of the browser itself: clocks that count on, the alarm sound, the flashing title, the focus.
(() => {
  "use strict";
  let offset = 0, rate = 1, sample = null;
  const product = () => { // the product's time in ms; in a drill it runs faster than the browser's
    const here = performance.now();
    return sample ? sample.product + (here - sample.here) * rate : Date.now() + offset;
  };
  const two = (n) => String(n).padStart(2, "0");
  const span = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000)), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24;
    const zh = document.documentElement.lang.startsWith("zh");
    if (d) return zh ? `${d}天${h}小时` : `${d} d ${h} h`;
    return (h ? `${h}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)) + `:${two(s % 60)}`;
  };
  const tick = () => {
    const now = product();
    for (const el of document.querySelectorAll("time.tick")) {
      let text = "";
      if (el.dataset.since) text = span(now - Date.parse(el.dataset.since));
      else if (el.dataset.until) {
        const left = Date.parse(el.dataset.until) - now;
        text = `${left < 0 ? el.dataset.over : el.dataset.left} ${span(Math.abs(left))}`;
        el.classList.toggle("over", left < 0);
      }
      if (el.textContent !== text) el.textContent = text;
    }
  };
  setInterval(tick, 500);

  // Sound: two rising tones, again every few seconds until a human has acknowledged.
  let audio = null, waiting = 0, newest = 0, original = null, alarmTitle = "", flash = false;
  const wanted = () => { try { return localStorage.getItem("anlin-sound") === "on"; } catch { return false; } };
  const remember = (on) => { try { localStorage.setItem("anlin-sound", on ? "on" : "off"); } catch { /* private window */ } };
  const audible = () => audio && audio.state === "running";
  const beep = () => {
    if (!audible()) return;
    const at = audio.currentTime;
    [880, 1175, 880, 1175].forEach((pitch, i) => {
      const tone = audio.createOscillator(), loud = audio.createGain();
      tone.type = "square"; tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, at + i * 0.22);
      loud.gain.exponentialRampToValueAtTime(0.25, at + i * 0.22 + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + i * 0.22 + 0.2);
      tone.connect(loud).connect(audio.destination);
      tone.start(at + i * 0.22); tone.stop(at + i * 0.22 + 0.21);
    });
    anlin.beeps += 1;
  };
  const show = () => {
    const on = audible() && wanted();
    for (const el of document.querySelectorAll("button.sound")) {
      if (el.classList.contains("on") === on && el.dataset.shown) continue;
      el.dataset.shown = "1";
      el.classList.toggle("on", on); el.classList.toggle("off", !on);
      el.setAttribute("aria-pressed", on ? "true" : "false");
      el.textContent = on ? el.dataset.on : el.dataset.off;
    }
  };
  const enable = async () => {
    audio = audio || new AudioContext();
    await audio.resume();
    show();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.sound");
    if (button) {
      const on = !(audible() && wanted());
      remember(on);
      if (on) { await enable(); beep(); }
      show();
    } else if (wanted() && !audible()) await enable(); // any click will do for the browser
  });
  setInterval(() => { if (waiting && wanted()) beep(); }, 5000);
  setInterval(() => {
    show();
    if (!waiting) { if (original !== null) { document.title = original; original = null; } return; }
    if (original === null) original = document.title;
    flash = !flash;
    document.title = flash ? alarmTitle : original;
  }, 1000);

  window.anlin = {
    beeps: 0,
    clock(ms) {
      const here = performance.now();
      if (sample && here - sample.here > 500) rate = Math.max(0, (ms - sample.product) / (here - sample.here));
      if (Math.abs(rate - 1) < 0.2) rate = 1; // the way here is not always equally long
      sample = { product: ms, here };
      tick();
    },
    alarms(count, id, title) {
      if (count && id > newest && wanted()) beep();
      waiting = count; newest = Math.max(newest, id); alarmTitle = title;
      if (count) { if (original === null) original = document.title; document.title = title; }
    },
    focus(selector) { // what is to get the keyboard comes with the next news: wait for it, unless the person goes elsewhere
      const end = performance.now() + 1500;
      const step = () => {
        const el = document.querySelector(selector), at = document.activeElement;
        if (at && at !== document.body && at !== el && !at.disabled) return;
        if (el && !el.disabled && at !== el) el.focus();
        if (performance.now() < end) setTimeout(step, 60);
      };
      step();
    },
    bottom(selector) {
      setTimeout(() => { const el = document.querySelector(selector); if (el) el.scrollTop = el.scrollHeight; }, 60);
    },
    fold(selector) { // a small screen is for the talk first
      setTimeout(() => { if (innerWidth <= 1100) for (const el of document.querySelectorAll(selector)) el.open = false; }, 30);
    },
    delivery(key, text, state) {
      const el = document.querySelector(`[data-key="${key}"] .delivery`);
      if (el) { el.textContent = text; el.className = `delivery ${state}`; }
    },
  };
  if (wanted()) enable().catch(() => {});
})();
