/* A host of one page for tests, linked with a plugin: every line "KIND ID JSON" of standard input goes to
 * recv, what the plugin sends is printed in the same form. A request waits for its answer, at most 10 s;
 * the plugin's own requests are answered with {}. Starts with the configuration in argv[1]. */
#include "jackfield_plugin.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t answered;            /* the host's request that was answered last */
static uint64_t asked[1024];         /* the plugin's requests, in order           */
static unsigned asked_count, served; /* how many of them there are, are answered  */

static int32_t send_(void *ctx, uint32_t kind, uint64_t id, const uint8_t *bytes, size_t length) {
  (void)ctx;
  pthread_mutex_lock(&lock);
  printf("%u %llu %.*s\n", kind, (unsigned long long)id, (int)length, (const char *)bytes);
  if (kind == JACKFIELD_REPLY || kind == JACKFIELD_ERROR) answered = id;
  if (kind == JACKFIELD_REQUEST && asked_count < 1024) asked[asked_count++] = id;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return JACKFIELD_OK;
}

/* One of the plugin's requests that nobody has answered; 0 once the answer to ours is there. */
static uint64_t next_asked(uint64_t ours, const struct timespec *until) {
  uint64_t id = 0;
  int late = 0;
  pthread_mutex_lock(&lock);
  while (served == asked_count && answered != ours && !late) late = pthread_cond_timedwait(&changed, &lock, until);
  if (served < asked_count) id = asked[served++];
  pthread_mutex_unlock(&lock);
  if (late) fprintf(stderr, "request %llu has no answer after 10 s\n", (unsigned long long)ours), exit(1);
  return id;
}

static void deliver(void *self, uint32_t kind, uint64_t id, const char *json) {
  int32_t taken = jackfield_plugin_v1.recv(self, kind, id, (const uint8_t *)json, strlen(json));
  if (taken) printf("refused %d\n", taken);
  if (taken || kind != JACKFIELD_REQUEST) return;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  for (uint64_t theirs; (theirs = next_asked(id, &until));)
    jackfield_plugin_v1.recv(self, JACKFIELD_REPLY, theirs, (const uint8_t *)"{}", 2);
}

int main(int count, char **words) {
  jackfield_host host = {sizeof host, JACKFIELD_ABI, NULL, send_};
  if (count != 2) return 2;
  void *self = jackfield_plugin_v1.start(&host, (const uint8_t *)words[1], strlen(words[1]));
  if (!self) return 3;
  char line[65536], json[65536];
  unsigned kind;
  unsigned long long id;
  while (fgets(line, sizeof line, stdin))
    if (sscanf(line, "%u %llu %65535[^\n]", &kind, &id, json) == 3) deliver(self, kind, id, json);
  jackfield_plugin_v1.stop(self, 3000);
  return 0;
}
