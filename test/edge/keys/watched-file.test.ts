import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import promises, { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { type Reading, WatchedFile } from '../../../edge/keys/watched-file.ts';
import { usesResources } from '../../support/use.ts';
import { replaceOpen } from './replaced-open.ts';
import { ScratchFolder } from './scratch-folder.ts';

describe('a watched file', () => {
  const use = usesResources();
  const MAX_BYTES = 100;

  async function watched(text?: string): Promise<{ folder: ScratchFolder; path: string; file: WatchedFile }> {
    const folder = use(await ScratchFolder.make());
    const path = folder.file('keys');
    if (text !== undefined) await writeFile(path, text);
    return { folder, path, file: new WatchedFile(path, MAX_BYTES) };
  }

  const text = (content: string): Reading => ({ ok: true, text: content });
  const refused = (reason: string): Reading => ({ ok: false, reason });

  /** Looks so often that something new would have come, and nothing more after it. */
  async function next(file: WatchedFile): Promise<Reading | undefined> {
    assert.equal(await file.look(), undefined);
    const reading = await file.look();
    assert.equal(await file.look(), undefined);
    return reading;
  }

  it('is read at the second look, and then when it has changed', async () => {
    const { path, file } = await watched('one');
    assert.deepEqual(await next(file), text('one'));
    await writeFile(path, 'two');
    assert.deepEqual(await next(file), text('two'));
    await appendFile(path, ' and more');
    assert.deepEqual(await next(file), text('two and more'));
    assert.equal(await next(file), undefined);
  });

  it('is not read while it changes from look to look', async () => {
    const { path, file } = await watched('one');
    await next(file);
    for (let length = 1; length < 5; length++) {
      await writeFile(path, 'x'.repeat(length));
      assert.equal(await file.look(), undefined);
    }
    assert.deepEqual(await file.look(), text('xxxx'));
  });

  it('is another one after a rename, also with the same size and time', async () => {
    const { folder, path, file } = await watched('one');
    const time = new Date(1_700_000_000_000);
    await utimes(path, time, time);
    await next(file);
    await writeFile(folder.file('new'), 'two');
    await utimes(folder.file('new'), time, time);
    await rename(folder.file('new'), path);
    assert.deepEqual(await next(file), text('two'));
  });

  it('is found behind the links of a Kubernetes secret, when they are swapped', async () => {
    const folder = use(await ScratchFolder.make());
    for (const version of ['1', '2']) {
      await mkdir(folder.file(version));
      await writeFile(`${folder.file(version)}/keys`, `version ${version}`);
    }
    await symlink('1', folder.file('..data'));
    await symlink('..data/keys', folder.file('keys'));
    const file = new WatchedFile(folder.file('keys'), MAX_BYTES);
    assert.deepEqual(await next(file), text('version 1'));
    await symlink('2', folder.file('..data_tmp'));
    await rename(folder.file('..data_tmp'), folder.file('..data'));
    assert.deepEqual(await next(file), text('version 2'));
  });

  it('is not missed where it is away for one look', async () => {
    const { path, file } = await watched('one');
    await next(file);
    await rm(path);
    assert.equal(await file.look(), undefined);
    await writeFile(path, 'two');
    assert.deepEqual(await next(file), text('two'));
  });

  it('tells once that it is gone, and comes back', async () => {
    const { path, file } = await watched('one');
    await next(file);
    await rm(path);
    assert.deepEqual(await next(file), refused('does not exist'));
    await writeFile(path, 'one');
    assert.deepEqual(await next(file), text('one'));
  });

  it('may be empty, and as large as its bound', async () => {
    const { path, file } = await watched('');
    assert.deepEqual(await next(file), text(''));
    await writeFile(path, 'x'.repeat(MAX_BYTES));
    assert.deepEqual(await next(file), text('x'.repeat(MAX_BYTES)));
    await appendFile(path, 'x');
    assert.deepEqual(await next(file), refused(`is larger than ${MAX_BYTES} bytes`));
  });

  it('is UTF-8, with or without a mark of it', async () => {
    const { path, file } = await watched('\uFEFFclé');
    assert.deepEqual(await next(file), text('clé'));
    await writeFile(path, Buffer.from('key', 'utf16le').fill(0xff, 0, 1));
    assert.deepEqual(await next(file), refused('is not UTF-8 text'));
  });

  it('is a file: no folder, and no pipe that nobody writes to', async () => {
    const { folder, path } = await watched();
    await mkdir(path);
    assert.deepEqual(await new WatchedFile(path, MAX_BYTES).read(), refused('is not a regular file'));
    execFileSync('mkfifo', [folder.file('pipe')]);
    assert.deepEqual(await new WatchedFile(folder.file('pipe'), MAX_BYTES).read(), refused('is not a regular file'));
  });

  it('is refused with a reason that does not hold its path', async () => {
    const { folder } = await watched('one');
    assert.deepEqual(
      await new WatchedFile(folder.file('keys/S3cret'), MAX_BYTES).read(),
      refused('cannot be read (ENOTDIR)'),
    );
    await symlink('loop', folder.file('loop'));
    assert.deepEqual(await new WatchedFile(folder.file('loop'), MAX_BYTES).read(), refused('cannot be read (ELOOP)'));
    assert.deepEqual(
      await new WatchedFile(folder.file('S3cret'.repeat(100)), MAX_BYTES).read(),
      refused('cannot be read (ENAMETOOLONG)'),
    );
  });

  it('is read again though it looks the same, when no file could be opened at the time of its change', async () => {
    const { path, file } = await watched('one');
    await next(file);
    await writeFile(path, 'two');
    await file.look();
    const restore = use(
      replaceOpen(() => Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }))),
    );
    assert.deepEqual(await file.look(), refused('cannot be read (EMFILE)'));
    await restore[Symbol.asyncDispose]();
    assert.deepEqual(await file.look(), text('two'));
    assert.equal(await file.look(), undefined);
  });

  it('is not taken when it is written while it is read', async () => {
    const { path, file } = await watched('one');
    await next(file);
    await writeFile(path, 'two');
    const openFile = promises.open;
    const restore = use(
      replaceOpen(async (...args) => {
        const handle = await openFile(...args);
        const stat = handle.stat.bind(handle);
        let stats = 0;
        // Between the two that compare what was read with what is there.
        Object.assign(handle, {
          stat: async (options: { bigint: true }) => {
            stats += 1;
            if (stats === 2) await appendFile(path, ' and half of mo');
            return stat(options);
          },
        });
        return handle;
      }),
    );
    assert.equal(await next(file), undefined);
    assert.deepEqual(await file.read(), refused('changed while it was read'));
    await restore[Symbol.asyncDispose]();
    await file.look();
    assert.deepEqual(await file.look(), text('two and half of mo and half of mo'));
  });
});
