/** Receipts and balances as builders put them into `metadata` before Base's Azul upgrade, in the newer flat form. */
import type { Random } from './random.ts';
import type { Population } from './transactions.ts';

/** keccak256("Transfer(address,address,uint256)"): by far the commonest event. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

const word = (digits: string): string => `0x${digits.padStart(64, '0')}`;

function drawLog(random: Random, { tokens, accounts }: Population): object {
  return {
    address: `0x${random.popular(tokens)}`,
    topics: [TRANSFER, word(random.popular(accounts)), word(random.popular(accounts))],
    data: word(random.hex(random.between(3, 9))),
  };
}

function drawReceipt(random: Random, population: Population, gas: number): object {
  return {
    type: '0x2',
    status: random.chance(0.03) ? '0x0' : '0x1',
    cumulativeGasUsed: `0x${gas.toString(16)}`,
    logs: Array.from({ length: random.between(1, 6) }, () => drawLog(random, population)),
  };
}

/** About so many bytes of receipts and balances. The hashes are random: no transaction's. */
export function drawReceipts(random: Random, population: Population, bytes: number): Record<string, object> {
  const receipts: Record<string, object> = {};
  const balances: Record<string, string> = {};
  let left = bytes;
  for (let gas = 50_000; left > 0; gas += random.between(30_000, 400_000)) {
    const receipt = drawReceipt(random, population, gas);
    receipts[`0x${random.hex(32)}`] = receipt;
    balances[`0x${random.hex(20)}`] = `0x${random.hex(random.between(5, 9))}`;
    left -= JSON.stringify(receipt).length + 140;
  }
  return { receipts, new_account_balances: balances };
}
