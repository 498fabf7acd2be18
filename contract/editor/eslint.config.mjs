// What the type checker does not see. The rules are ESLint's own, so nothing but ESLint is installed.
const browser = ['AbortController', 'addEventListener', 'atob', 'BroadcastChannel', 'clearTimeout', 'crypto', 'customElements', 'DataTransfer', 'document', 'DOMParser', 'Event', 'fetch',
  'FormData', 'history', 'innerHeight', 'HTMLElement', 'HTMLInputElement', 'HTMLTextAreaElement', 'Element', 'InputEvent', 'localStorage', 'location', 'navigator', 'scrollTo', 'setTimeout', 'URL', 'URLSearchParams', 'window'];

export default [{
  files: ['**/*.js', '**/*.mjs'],
  languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules: {
    'array-callback-return': 'error', eqeqeq: 'error', 'no-cond-assign': 'error', 'no-const-assign': 'error', 'no-constant-condition': 'error',
    'no-dupe-keys': 'error', 'no-eval': 'error', 'no-fallthrough': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error', 'no-redeclare': 'error',
    'no-script-url': 'error', 'no-self-compare': 'error', 'no-template-curly-in-string': 'error', 'no-undef': 'error',
    'no-unreachable': 'error', 'no-unsafe-finally': 'error', 'no-unused-private-class-members': 'error', 'no-unused-vars': 'error', 'no-var': 'error',
    'prefer-const': 'error',
    // HTML gets into the page by `rendered` only, through the one policy of trusted types.
    'no-restricted-properties': ['error', { property: 'innerHTML' }, { property: 'outerHTML' }, { property: 'insertAdjacentHTML' }],
    'no-restricted-syntax': ['error', { selector: "NewExpression[callee.name='DOMParser']", message: 'Only dom.js may.' }],
  },
}, { files: ['**/dom.js'], rules: { 'no-restricted-syntax': 'off' } }];
