/** Who may import whom: the table of docs/architecture.md, as a check. Tests may import what they test against. */
const from = (path, extra = {}) => ({ path, pathNot: '\\.(test|contract)\\.ts$', ...extra });
const ours = '^(schemas|processors|streams|models|backfill|cli|bench|monitoring)/';
const only = (name, folder, allowedOurs, libraries) => [
  {
    name: `${name}-imports`,
    severity: 'error',
    from: from(folder),
    to: { path: ours, pathNot: [folder, ...allowedOurs] },
  },
  {
    name: `${name}-libraries`,
    severity: 'error',
    from: from(folder),
    to: {
      dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg'],
      pathNot: libraries.map(l => `node_modules/${l}`).concat(libraries.length ? [] : ['^$']),
    },
  },
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-no-node',
      severity: 'error',
      from: from('^(schemas|processors/core|processors/ports)'),
      to: { dependencyTypes: ['core'] },
    },
    ...only('schemas', '^schemas/', [], []),
    ...only('core', '^processors/core/', ['^schemas/'], []),
    ...only('ports', '^processors/ports\\.ts', ['^schemas/', '^processors/core/'], []),
    ...only('runner', '^processors/runner/', ['^schemas/', '^processors/core/', '^processors/ports'], []),
    ...only('swap', '^processors/swap/', ['^schemas/', '^processors/core/', '^processors/ports'], []),
    ...only(
      'state',
      '^processors/state/',
      ['^schemas/', '^processors/core/', '^processors/ports'],
      ['ioredis'],
    ),
    ...only(
      'sim',
      '^processors/sim/',
      ['^schemas/', '^processors/', '^streams/(memory|avro|partitioner)'],
      ['fast-check', '@swc/core'],
    ),
    // streams/integrity runs the whole product against real servers; streams/testing starts those.
    ...only(
      'streams',
      '^streams/(?!integrity|testing)',
      ['^schemas/', '^processors/core/', '^processors/ports'],
      [
        'avsc',
        'lmdb',
        'csv-parse',
        'yaml',
        'zod',
        'kafkajs',
        '@kafkajs',
        '@aws-sdk',
        'lz4-napi',
        'snappy',
        'fzstd',
      ],
    ),
    ...only(
      'models',
      '^models/',
      ['^schemas/', '^processors/core/', '^processors/ports', '^processors/swap/', '^streams/bucket/'],
      ['onnxruntime-node', 'zod', '@aws-sdk', 'onnxruntime-common'],
    ),
    // backfill/testing runs lanes, to have histories as a stream leaves them.
    ...only(
      'backfill',
      '^backfill/(?!testing)',
      ['^schemas/', '^processors/core/', '^processors/ports', '^processors/sim/', '^models/', '^streams/'],
      ['.*'],
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|dist|\\.venv)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
