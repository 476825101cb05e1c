// Sound of a terminal: the loudspeaker, one sentence after another, and the microphone.

export class Loudspeaker {
  /** ended(id, whole): a sound is no longer playing */
  constructor(ended) {
    this.ended = ended;
    this.queue = [];
    this.now = null;
  }

  /** Plays a WAV file after what is playing. */
  play(audio, bytes) {
    this.queue.push({ ...audio, address: URL.createObjectURL(new Blob([bytes], { type: "audio/wav" })) });
    if (!this.now) this.#next();
  }

  /** Stops these. */
  stop(ids) {
    const dropped = this.queue.filter((audio) => ids.includes(audio.id));
    this.queue = this.queue.filter((audio) => !ids.includes(audio.id));
    for (const audio of dropped) this.#finished(audio, false);
    if (this.now && ids.includes(this.now.id)) this.#done(this.now, false);
  }

  /** The person wants to speak: falls silent, except while it says what to do in an emergency. */
  yieldFloor() {
    this.stop([this.now, ...this.queue].filter((audio) => audio?.interruptible).map((audio) => audio.id));
  }

  #next() {
    const audio = this.queue.shift();
    if (!audio) return;
    this.now = audio;
    audio.player = new Audio(audio.address);
    audio.player.onended = () => this.#done(audio, true);
    audio.player.onerror = () => this.#done(audio, false);
    audio.player.play().catch(() => this.#done(audio, false));
  }

  #done(audio, whole) {
    if (this.now !== audio) return;
    audio.player.onended = audio.player.onerror = null;
    audio.player.pause();
    this.now = null;
    this.#finished(audio, whole);
    this.#next();
  }

  #finished(audio, whole) {
    URL.revokeObjectURL(audio.address);
    this.ended(audio.id, whole);
  }
}

export class Microphone {
  /** frame(bytes): 100 ms of sound · changed(state): "on" | "off" | "denied" | "missing" */
  constructor(frame, changed) {
    this.frame = frame;
    this.changed = changed;
    this.state = "off";
  }

  /** Opens the microphone; true when sound comes. The browser may ask the person. */
  async open() {
    if (this.state === "on") return true;
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode) return this.#become("missing");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      this.context ??= new AudioContext();
      await this.context.resume();
      await this.context.audioWorklet.addModule(new URL("terminal.worklet.js", import.meta.url));
      const node = new AudioWorkletNode(this.context, "anlin-microphone", { numberOfOutputs: 0 });
      node.port.onmessage = ({ data }) => this.frame(data);
      this.context.createMediaStreamSource(stream).connect(node);
      stream.getAudioTracks()[0].onended = () => {
        node.port.onmessage = null;
        this.#become("missing");
      };
      return this.#become("on");
    } catch (error) {
      return this.#become(["NotAllowedError", "SecurityError"].includes(error.name) ? "denied" : "missing");
    }
  }

  #become(state) {
    this.state = state;
    this.changed(state);
    return state === "on";
  }
}
