import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = new URL('../../../', import.meta.url).pathname;

/** A page of the documentation. */
export interface Page {
  /** Relative to the project's root. */
  readonly path: string;
  /** The text without its code blocks. */
  readonly prose: string;
  /** Lines of its shell blocks that are commands, without comments. */
  readonly commands: readonly string[];
}

/** Folders that are made, not written; hidden ones are passed over too. */
const MADE = new Set(['node_modules', 'dist', 'coverage']);

/** Every Markdown file of the project. Folders are walked, as a copy of the project need not be a checkout of git. */
export function readPages(): readonly Page[] {
  return markdownIn('').map((path) => readPage(path, readFileSync(join(ROOT, path), 'utf8')));
}

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return MADE.has(entry.name) || entry.name.startsWith('.') ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function readPage(path: string, text: string): Page {
  const blocks = [...text.matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm)];
  return {
    path,
    prose: text.replaceAll(/^ *```\w*\n[^]*?^ *```$/gm, ''),
    commands: blocks
      .filter(([, language]) => language === 'sh')
      .flatMap(([, , code = '']) => code.replaceAll('\\\n', ' ').split('\n'))
      .flatMap((line) => line.replace(/(?:^|\s)#.*$/, '').split(/&&|\|\||[;|]|\s&(?:\s|$)/))
      .map((command) => command.trim())
      .filter((command) => command !== ''),
  };
}

/** The links of a page that lead to files of the project. */
export function linksOf({ path, prose }: Page): readonly { readonly target: string; readonly anchor: string }[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)|<img[^>]* src="([^"]+)"/g)]
    .map(([, link, image]) => link ?? image ?? '')
    .filter((link) => !/^(?:https?|mailto):/.test(link))
    .map((link) => {
      const [file = '', anchor = ''] = link.split('#', 2);
      return { target: file === '' ? path : normalize(join(dirname(path), file)), anchor };
    });
}

/** Whether something is at a path of the project, and has a heading for the anchor where there is one. */
export function exists(target: string, anchor: string, pages: readonly Page[]): boolean {
  if (!existsSync(join(ROOT, target))) return false;
  const page = pages.find(({ path }) => path === target);
  return anchor === '' || (page !== undefined && anchorsOf(page).has(anchor));
}

/** Anchors of the headings, as GitHub makes them. */
function anchorsOf({ prose }: Page): ReadonlySet<string> {
  const headings = [...prose.matchAll(/^#{1,6} +(.+)$/gm)].map(([, text = '']) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
