/** The process of an {@link Attacker}: runs what it is told and says what came of it. */
import { setPriority } from 'node:os';
import { attack, type AttackName, type AttackOptions } from './attacks.ts';

/** Attackers have machines of their own, and no honest client's time is theirs. */
const NICENESS = 10;

setPriority(NICENESS);
process.on('message', ([name, options]: [AttackName, AttackOptions]) => {
  void attack(name, options).then(
    (tally) => process.send?.({ tally }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
