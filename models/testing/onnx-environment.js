const { TestEnvironment } = require('jest-environment-node');

/**
 * onnxruntime-node makes its answers with the main realm's Float32Array, and its JavaScript half compares them
 * with the global of wherever it was loaded. Jest loads it in a realm of its own, so the two must share the class.
 */
module.exports = class OnnxEnvironment extends TestEnvironment {
  constructor(...options) {
    super(...options);
    this.global.Float32Array = Float32Array;
  }
};
