#!/usr/bin/env node
import { runCommand } from './command.ts';

/** Status of a process that ended because nobody reads its output any more: 128 and the number of SIGPIPE. */
const BROKEN_PIPE_STATUS = 141;

process.stdout.on('error', () => process.exit(BROKEN_PIPE_STATUS));
process.exitCode = await runCommand(process.argv.slice(2), process);
