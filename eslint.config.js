// Lint rules. Besides the typed rules, the import boundaries of the house are kept here: one direction of data,
// sinks never import each other, only main.ts touches `process`, only dcs/etcd3/library.ts knows the etcd3 package.
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const closed = (...groups) => ({
  'no-restricted-imports': [
    'error',
    { paths: [...ONLY_MAIN], patterns: groups.map(([group, message]) => ({ group, message })) },
  ],
})
const ONLY_MAIN = [
  { name: 'node:process', message: 'only main.ts touches process' },
  { name: 'process', message: 'only main.ts touches process' },
]
const ETCD3 = [['/etcd3', '/@grpc/*'], 'only watcher/dcs/etcd3/library.ts knows the etcd3 package']
const IMPURE = 'unit tests run no processes, open no sockets and wait for no time: this is an integration test'
const others = (...parts) => below('**/', ...parts)
/** Parts as seen from a folder: `../` from `src/config`, `../../` from a folder in it. */
const below = (root, ...parts) => [
  parts.map((part) => `${root}${part}/**`),
  'a part imports only what stands before it in the data flow',
]

export default defineConfig(
  globalIgnores(['dist/']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.js'] } } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      eqeqeq: 'error',
    },
  },
  { files: ['*.js'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error', { name: 'process', message: 'only main.ts touches process' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Literal[value=/^(?:E(?!RROR$)[A-Z]{3,}|EAI_[A-Z]+)$/]',
          message: 'codes of Node are interpreted in errors.ts only',
        },
      ],
    },
  },
  { files: ['src/errors.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['src/*.ts', 'src/cli/**'], rules: closed(ETCD3) },
  {
    files: ['src/text/**', 'src/names/**'],
    rules: closed(ETCD3, others('cli', 'demo', 'config', 'watcher', 'templates', 'proxy', 'track', 'admin')),
  },
  // Its rooms are called as the parts that they are about.
  ...[
    ['src/config/*.ts', '../'],
    ['src/config/*/**', '../../'],
  ].map(([file, root]) => ({
    files: [file],
    rules: closed(ETCD3, below(root, 'cli', 'demo', 'watcher', 'templates', 'proxy', 'track', 'admin')),
  })),
  { files: ['src/watcher/**'], rules: closed(ETCD3, others('cli', 'demo', 'templates', 'proxy', 'track', 'admin')) },
  {
    files: ['src/watcher/dcs/etcd3/library.ts'],
    rules: closed(others('cli', 'demo', 'templates', 'proxy', 'track', 'admin')),
  },
  { files: ['src/templates/**'], rules: closed(ETCD3, others('cli', 'demo', 'proxy', 'track', 'admin')) },
  { files: ['src/proxy/**'], rules: closed(ETCD3, others('cli', 'demo', 'templates', 'track', 'admin')) },
  { files: ['src/track/**'], rules: closed(ETCD3, others('cli', 'demo', 'templates', 'proxy', 'admin')) },
  { files: ['src/demo/**'], rules: closed(ETCD3, others('cli', 'templates', 'track')) },
  { files: ['src/admin/**'], rules: closed(ETCD3, others('cli', 'demo')) },
  { files: ['src/main.ts', 'src/start.ts'], rules: { 'no-restricted-globals': 'off', 'no-restricted-imports': 'off' } },
  {
    files: ['test/unit/**'],
    // Unit tests are pure: what runs processes, opens sockets or waits for time to pass stands in test/integration.
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...[
              'node:child_process',
              'node:cluster',
              'node:dgram',
              'node:http',
              'node:http2',
              'node:https',
              'node:tls',
            ].map((name) => ({ name, message: IMPURE, allowTypeImports: true })),
            {
              name: 'node:net',
              importNames: ['connect', 'createConnection', 'createServer', 'Server'],
              message: IMPURE,
              allowTypeImports: true,
            },
            { name: 'node:timers/promises', importNames: ['setTimeout', 'setInterval', 'scheduler'], message: IMPURE },
          ],
          patterns: [
            {
              group: [
                '**/test/support/**',
                '**/support/*/**',
                '**/support/until.ts',
                '!**/fake-io.ts',
                '!**/load-config.ts',
              ],
              message: IMPURE,
              allowTypeImports: true,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**'],
    // node:test returns promises that its own runner awaits.
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
    },
  },
)
