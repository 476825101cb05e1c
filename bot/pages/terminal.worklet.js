// Microphone sound at the device's own rate → 16 kHz, 16-bit, 100 ms a message, as voice/events.py wants it.
const RATE = 16000;
const FRAME = RATE / 10;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.position = 0; // of the next 16 kHz sample, in device samples from the start of the block
    this.sum = 0;
    this.count = 0;
  }

  process(inputs) {
    const block = inputs[0][0];
    if (!block) return true;
    // The mean of the device samples that fall on one 16 kHz sample: a plain low-pass, enough for speech.
    for (const value of block) {
      this.sum += value;
      this.count += 1;
      this.position += 1;
      if (this.position < this.step) continue;
      this.position -= this.step;
      const mean = Math.max(-1, Math.min(1, this.sum / this.count));
      this.frame[this.filled++] = Math.round(mean * 32767);
      this.sum = 0;
      this.count = 0;
      if (this.filled === FRAME) {
        this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
        this.frame = new Int16Array(FRAME);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("anlin-microphone", Microphone);
