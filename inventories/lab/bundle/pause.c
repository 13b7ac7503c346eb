// The process of a pod's sandbox: it holds the pod's namespaces open and, as their PID 1, reaps what is orphaned into them.
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signo)
{
  (void)signo;
  _exit(0);
}

static void reap(int signo)
{
  (void)signo;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void)
{
  struct sigaction on_end = { .sa_handler = leave };
  struct sigaction on_child = { .sa_handler = reap, .sa_flags = SA_NOCLDSTOP };

  if (sigaction(SIGINT, &on_end, NULL) || sigaction(SIGTERM, &on_end, NULL) || sigaction(SIGCHLD, &on_child, NULL)) {
    return 1;
  }
  for (;;) {
    pause();
  }
}
