// The connection of a page: messages of voice/events.py over a WebSocket that comes back by itself, catches up from
// the last cursor, and keeps what could not be sent.
const PING_EVERY = 20000;
const PONG_WITHIN = 10000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10000;

export class Link {
  /** handlers: open(), message(event), sound(audio, bytes), state("online" | "offline");
      at: the socket's path, the name of its query, and whether a page that is loaded anew starts after what it had shown */
  constructor(device, hello, handlers, at = { path: "/terminal/ws", query: "device", resumes: true }) {
    this.device = device;
    this.at = at;
    this.hello = hello; // () → what goes into Hello beside `after`
    this.handlers = handlers;
    this.key = `anlin${at.path}.${device}`;
    this.unsent = this.#recall("unsent", []);
    this.cursor = at.resumes ? this.#recall("cursor", null) : null;
    this.wait = FIRST_WAIT;
    addEventListener("online", () => this.#again(0));
    this.#connect();
  }

  /** Something that must arrive, whatever the network does; the service ignores an id it knows. */
  keep(event) {
    this.unsent.push(event);
    this.#remember("unsent", this.unsent);
    this.send(event);
  }

  /** Something that only matters now. */
  send(event) {
    if (this.welcome) this.socket.send(JSON.stringify(event));
    return this.welcome;
  }

  sound(frame) {
    if (this.welcome && this.socket.bufferedAmount < 64000) this.socket.send(frame);
  }

  waiting(id) {
    return this.unsent.some((event) => event.id === id);
  }

  #connect() {
    clearTimeout(this.retry);
    const address = new URL(this.at.path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set(this.at.query, this.device);
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.welcome = false;
    this.announced = null;
    socket.onopen = () => {
      const hello = { type: "hello", ...this.hello() };
      if (this.cursor) hello.after = this.cursor;
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = ({ data }) => socket === this.socket && this.#receive(data);
    socket.onclose = () => socket === this.socket && this.#lost();
  }

  #receive(data) {
    clearTimeout(this.silence);
    if (typeof data !== "string") {
      if (this.announced) this.handlers.sound(this.announced, data);
      this.announced = null;
      return;
    }
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (event.type === "welcome") this.#welcomed();
    if (event.type === "audio") this.announced = event;
    if (event.type === "taken") {
      this.unsent = this.unsent.filter((kept) => kept.id !== event.id);
      this.#remember("unsent", this.unsent);
    }
    if (event.cursor) {
      this.cursor = event.cursor;
      this.#remember("cursor", this.cursor);
    }
    this.handlers.message(event);
  }

  #welcomed() {
    this.welcome = true;
    this.wait = FIRST_WAIT;
    this.handlers.state("online");
    for (const event of this.unsent) this.send(event);
    clearInterval(this.pinging);
    this.pinging = setInterval(() => {
      this.send({ type: "ping" });
      clearTimeout(this.silence);
      this.silence = setTimeout(() => this.socket.close(), PONG_WITHIN);
    }, PING_EVERY);
  }

  #lost() {
    this.welcome = false;
    clearInterval(this.pinging);
    clearTimeout(this.silence);
    this.handlers.state("offline");
    this.#again(this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  #again(wait) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.socket.readyState > WebSocket.OPEN && this.#connect(), wait);
  }

  #recall(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`${this.key}.${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  }

  #remember(name, value) {
    try {
      localStorage.setItem(`${this.key}.${name}`, JSON.stringify(value));
    } catch {
      // a full or forbidden storage costs the catching up after a reload, nothing else
    }
  }
}
