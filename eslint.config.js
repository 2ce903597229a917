import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Which folders a folder must not import from: ingest and edge meet in shared alone. */
const FOREIGN = {
  edge: ['ingest', 'client', 'bin', 'tools', 'test'],
  ingest: ['edge', 'client', 'bin', 'tools', 'test'],
  shared: ['edge', 'ingest', 'client', 'bin', 'tools', 'test'],
  client: ['edge', 'ingest', 'bin', 'tools', 'test'],
  bin: ['test'],
  tools: ['test'],
};

const NODE_GLOBALS = [
  'AbortController',
  'Buffer',
  'URL',
  'console',
  'clearTimeout',
  'fetch',
  'performance',
  'process',
  'setTimeout',
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
    },
  },
  ...Object.entries(FOREIGN).map(([folder, foreign]) => ({
    files: [`${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: foreign.map((name) => `**/${name}/**`) }] },
  })),
  {
    files: ['edge/**/*.ts', 'ingest/**/*.ts', 'shared/**/*.ts', 'client/**/*.ts'],
    ignores: ['shared/config/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only shared/config does.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])) },
  },
);
