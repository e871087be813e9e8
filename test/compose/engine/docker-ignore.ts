/** `.dockerignore`: which files of the context the builder gets. The last pattern that matches a file or a folder above it decides. */
export type Ignored = (path: string) => boolean;

export function dockerIgnore(text: string): Ignored {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const keep = line.startsWith('!');
      return { keep, pattern: patternOf(keep ? line.slice(1) : line) };
    });
  return (path) => {
    const parts = path.split('/');
    const withParents = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    return rules.reduce(
      (ignored, { keep, pattern }) => (withParents.some((each) => pattern.test(each)) ? !keep : ignored),
      false,
    );
  };
}

/** `*` and `?` within a name, `**` for any folders. */
export function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/^\.?\//, '')
    .replace(/\/$/, '')
    .split(/(\*\*|\*|\?)/)
    .map((part) => ({ '**': '.*', '*': '[^/]*', '?': '[^/]' })[part] ?? RegExp.escape(part));
  return new RegExp(`^${source.join('')}$`);
}
