// Lint rules. Besides the typed rules, the import boundaries of the house are kept here: each room lists what it may
// import, only main.ts touches `process`, only dcs/etcd3/library.ts knows the etcd3 package
// and only dcs/http/pools.ts undici.
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** What every room may import: the files of src itself, except these that know the rooms. */
const GROUND = ['(?!main|router|start)[a-z-]+', 'text/*']

/** What each room may import besides itself and the ground floor. Everything else is an error. */
const ROOMS = {
  text: [],
  names: [],
  config: [],
  watcher: [
    ...['names/*', 'config/config', 'config/conditions', 'config/dcs/*', 'config/file/*', 'config/values/*'],
    ...['config/sections', 'config/env-values', 'config/patroni-keys'],
  ],
  proxy: ['config/config', 'watcher/view'],
  templates: [
    ...['config/config', 'config/templates/command', 'config/values/*', 'names/lookups'],
    ...['watcher/view', 'watcher/dcs/key-values'],
  ],
  track: ['config/config', 'config/conditions', 'watcher/view', 'watcher/condition'],
  events: ['config/values/*'],
  overrides: [],
  admin: [
    ...[
      'config/config',
      'config/conditions',
      'config/values/*',
      'watcher/view',
      'watcher/view-text',
      'watcher/condition',
      'watcher/counts',
    ],
    ...['proxy/status', 'proxy/traffic', 'templates/status', 'track/status', 'events/*', 'config/values/*'],
  ],
  router: [
    'config/config',
    'config/changes',
    'config/load',
    'config/file/problem',
    'config/proxy/binds',
    'names/*',
    'watcher/**',
    'proxy/*',
    'templates/templates',
    'track/track',
    'admin/**',
    'events/*',
    'overrides/*',
  ],
  systemd: [],
  cli: [
    ...['router', 'systemd/*', 'config/**', 'names/*', 'watcher/**'],
    ...['proxy/capacity', 'templates/**', 'admin/**', 'demo/*', 'events/*'],
  ],
  demo: ['router', 'config/**', 'watcher/**', 'admin/**'],
}
const IMPURE = 'unit tests run no processes, open no sockets and wait for no time: this is an integration test'
const ONLY_MAIN = [
  { name: 'node:process', message: 'only main.ts touches process' },
  { name: 'process', message: 'only main.ts touches process' },
]
const ETCD3 = { regex: '^(etcd3$|@grpc/)', message: 'only watcher/dcs/etcd3/library.ts knows the etcd3 package' }
const UNDICI = { regex: '^undici$', message: 'only watcher/dcs/http/pools.ts knows undici' }

/** Import rules of a room, for each depth of folders in it: what stands behind the `../` that lead out of it. */
function importsOf(room, allowed) {
  const files = [...GROUND, ...allowed].map((path) =>
    path.replace(/(?<![\])])\*+$/, (stars) => (stars === '*' ? '[^/]+' : '.+')),
  )
  return ['', '*/', '*/*/'].map((below, depth) => ({
    files: [`src/${room}/${below}*.ts`],
    rules: imports(ETCD3, UNDICI, {
      regex: `^${String.raw`\.\./`.repeat(depth + 1)}(?!(?:${files.join('|')})\\.ts$)`,
      message: `${room} may import ${allowed.join(', ') || 'nothing'} besides the ground floor`,
    }),
  }))
}

function imports(...patterns) {
  return { 'no-restricted-imports': ['error', { paths: ONLY_MAIN, patterns }] }
}

export default defineConfig(
  globalIgnores(['dist/']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.js'] } } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Erasable TypeScript has no enums, and looking for them takes seconds.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
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
  {
    files: ['src/*.ts'],
    ignores: ['src/{main,start,router}.ts'],
    rules: imports(ETCD3, UNDICI, { regex: '^\\./(?!text/)[a-z]+/', message: 'the ground floor knows no room' }),
  },
  ...Object.entries(ROOMS).flatMap(([room, allowed]) => importsOf(room, allowed)),
  { files: ['src/watcher/dcs/etcd3/library.ts'], rules: imports(UNDICI) },
  { files: ['src/watcher/dcs/http/pools.ts'], rules: imports(ETCD3) },
  { files: ['src/main.ts', 'src/start.ts'], rules: { 'no-restricted-globals': 'off', 'no-restricted-imports': 'off' } },
  {
    files: ['test/unit/**'],
    // Unit tests are pure: what runs processes, opens sockets or waits for time to pass stands in test/integration.
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program > ExpressionStatement > CallExpression[callee.name=/^(before|after)(Each)?$/]',
          message: 'unit tests share one process, and a hook outside of a suite counts for all of them',
        },
      ],
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
