import { BaseNode, type BaseNodeOptions } from './base-node.ts';
import { Changes } from './changes.ts';
import { MessageTable } from './message-table.ts';

export interface FleetOptions extends Omit<BaseNodeOptions, 'resume' | 'behind'> {
  readonly nodes: number;
  /** Which nodes resume; default all. */
  readonly resume?: (number: number) => boolean;
  /** See {@link BaseNodeOptions.behind}; default nothing. */
  readonly behind?: (number: number) => Buffer | undefined;
}

/** Many base nodes in one process: `const fleet = use(await BaseNodeFleet.connect({...}))`. */
export class BaseNodeFleet implements AsyncDisposable {
  readonly changes = new Changes();
  readonly table = new MessageTable();
  readonly nodes: BaseNode[] = [];

  /** Resolves when every node is connected. */
  static async connect(options: FleetOptions): Promise<BaseNodeFleet> {
    const fleet = new BaseNodeFleet();
    fleet.add(options);
    try {
      await fleet.connected();
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** Adds nodes, which dial at once. Numbers go on behind those that are there. */
  add({
    nodes,
    resume = () => true,
    behind = () => undefined,
    url,
    patient = false,
    clock,
    headers,
  }: FleetOptions): readonly BaseNode[] {
    const first = this.nodes.length;
    for (let number = first; number < first + nodes; number++) {
      const node = {
        url,
        patient,
        resume: resume(number),
        behind: behind(number),
        ...(clock && { clock }),
        ...(headers && { headers }),
      };
      this.nodes.push(new BaseNode(number, node, this.table, this.changes));
    }
    return this.nodes.slice(first);
  }

  /** Waits until every node is connected. */
  async connected(): Promise<void> {
    const away = (): number => this.nodes.filter(({ connected }) => !connected).length;
    await this.changes.until(
      () => away() === 0,
      () => `the connections of ${away()} of ${this.nodes.length} base nodes`,
    );
  }

  /** Waits until every node has received so many messages in all. */
  async received(count: number): Promise<void> {
    const behind = (): number => this.nodes.filter(({ received }) => received.length < count).length;
    await this.changes.until(
      () => behind() === 0,
      () => `${count} messages at ${behind()} of ${this.nodes.length} base nodes`,
    );
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.stop();
    await this.changes.until(() => this.nodes.every(({ connected }) => !connected), 'the end of the base nodes');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
