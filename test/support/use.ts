import { afterEach } from 'mocha';

/**
 * Ends what a test opened, the last first, also when the test fails: within a `describe`, `const use = usesResources()`, then
 * `const builder = use(await TestBuilder.start())`. It does what `await using` does, which Node 20 cannot parse.
 */
export function usesResources(): <Resource extends AsyncDisposable>(resource: Resource) => Resource {
  const opened: AsyncDisposable[] = [];
  afterEach('end what the test opened', async () => {
    for (let resource = opened.pop(); resource !== undefined; resource = opened.pop())
      await resource[Symbol.asyncDispose]();
  });
  return (resource) => {
    opened.push(resource);
    return resource;
  };
}
