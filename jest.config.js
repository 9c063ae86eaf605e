const { availableParallelism } = require('node:os');

/** Every test runs from TypeScript source through swc; types are checked apart, by `make check`. */
module.exports = {
  testEnvironment: 'node',
  // In Jest's sandbox a look at a global is slow: handed to each module instead, the laws run three times as fast. Not
  // among them: what fake timers replace, and names that libraries give to constants of their own (Buffer, Number).
  sandboxInjectedGlobals: [
    'Math',
    'Infinity',
    'Array',
    'Map',
    'Set',
    'Object',
    'JSON',
    'Float64Array',
    'Float32Array',
  ],
  roots: ['<rootDir>'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.venv/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023', keepClassNames: true },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
    // Libraries that are ES modules only: Node loads them by import(), Jest's own loader can't.
    'node_modules/hyparquet(-writer)?/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2023' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!hyparquet)'],
  testTimeout: 120_000,
  // One more than there are processors: many wait for servers most of the time.
  maxWorkers: availableParallelism() + 1,
  testSequencer: '<rootDir>/scripts/slowest-first.js',
  reporters: ['default', ['jest-junit', { outputDirectory: 'reports', outputName: 'jest.xml' }]],
};
