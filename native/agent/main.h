/* main.h - the command line of ecsagent: console agent, -version, -settings, -healthcheck
 * (endpoints-and-windows.md section 3.1). Thread: the process's main thread. */
#ifndef EA_AGENT_MAIN_H
#define EA_AGENT_MAIN_H

/* Exit code: 0 fine, 1 try again, 5 an operator must act (a bad argument too). */
int ea_agent_main(int argc, char **argv);

#endif
