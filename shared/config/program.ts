/** The programs that serve and take settings; the tools parse their own few flags. */
export const SERVING_PROGRAMS = ['proxy', 'ingest', 'edge'] as const;

export type ServingProgram = (typeof SERVING_PROGRAMS)[number];
