/*
 * A disk that forgets and fails, put under the real binary by LD_PRELOAD.
 *
 * FORGETS. The file system below MAYSEND_DISK_ROOT works as ever, and beside it, in
 * MAYSEND_DISK_STATE, lies what a power cut would leave: ID.file, the octets of a file as of its last
 * fsync, and ID.dir, the entries of a directory as of its last fsync. ID is inode and birth. The test
 * kills the program and builds the directory again from these (faults/disk.rs). No fsync reaches the
 * real disk, so that hundreds of cuts take minutes.
 *
 * FAILS. STATE/control holds numbers that both sides read and write (struct control): which call of
 * a class fails, how often, with which errno; at which call the process dies; whether fsync lies.
 * Each failure is told in STATE/injected: class, path.
 *
 * A file is told by /proc/self/fd, so that no way of opening one escapes. What does escape: fallocate
 * and renameat2, which rustix calls past libc. Neither changes an octet, and entries are read when
 * their directory is synced. There is no other: strace shows it (docs/faults.md).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { READ, WRITE, SYNC, NAME, CLASSES };
static const char *const names[CLASSES] = {"read", "write", "sync", "name"};

struct control {
  _Atomic uint64_t seen[CLASSES];      /* calls so far, below the root */
  _Atomic uint64_t fail_from[CLASSES]; /* the first that fails, counted from 1; 0: none */
  _Atomic uint64_t fail_for[CLASSES];  /* how many fail from there */
  _Atomic uint64_t fail_with[CLASSES]; /* errno */
  _Atomic uint64_t injected;           /* failures so far */
  _Atomic uint64_t events;             /* before a write, before and after a sync, before a name */
  _Atomic uint64_t cut_at;             /* the event at which the power goes; 0: none */
  _Atomic uint64_t lies;               /* 1: fsync says yes and keeps nothing */
  _Atomic uint64_t tears;              /* 1: the first failing write writes one half */
};

static struct control *control;
static char root[PATH_MAX], state[PATH_MAX];
static size_t root_length;
static const char *only; /* calls on other paths do not count and do not fail */
static int forgets;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__);
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, read, int, void *, size_t)
REAL(ssize_t, pread64, int, void *, size_t, off64_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, ftruncate64, int, off64_t)
REAL(int, open64, const char *, int, ...)
REAL(int, openat64, int, const char *, int, ...)
REAL(int, rename, const char *, const char *)
REAL(int, unlink, const char *)
REAL(int, unlinkat, int, const char *, int)
REAL(int, rmdir, const char *)
REAL(int, mkdir, const char *, mode_t)

static void die(const char *why) {
  fprintf(stderr, "disk.so: %s: %s\n", why, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
#define FIND(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)
  FIND(write); FIND(pwrite64); FIND(writev); FIND(read); FIND(pread64); FIND(fsync);
  FIND(fdatasync); FIND(ftruncate64); FIND(open64); FIND(openat64); FIND(rename); FIND(unlink);
  FIND(unlinkat); FIND(rmdir); FIND(mkdir);
  const char *below = getenv("MAYSEND_DISK_ROOT"), *where = getenv("MAYSEND_DISK_STATE");
  if (!below || !where) return;
  if (!realpath(below, root) || !realpath(where, state)) die("no such directory");
  root_length = strlen(root);
  only = getenv("MAYSEND_DISK_ONLY");
  forgets = getenv("MAYSEND_DISK_FORGETS") != NULL;
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/control", state);
  int fd = real_open64(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) die("control");
  void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) die("mmap");
  close(fd);
  control = map;
}

static int is_below(const char *path) {
  return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

/* Whether a descriptor is of a file below the root; its path. */
static int is_ours(int fd, char *path) {
  if (!control) return 0;
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_below(path);
}

/* An event: the power may go here. */
static void event(void) {
  if (atomic_fetch_add(&control->events, 1) + 1 == control->cut_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

/* Whether this call fails; then errno is set. 2: it is the first, and is to be torn. */
static int fails(enum class class, const char *path) {
  if (only && !strstr(path, only)) return 0;
  uint64_t number = atomic_fetch_add(&control->seen[class], 1) + 1;
  uint64_t from = control->fail_from[class];
  if (!from || number < from || number - from >= control->fail_for[class]) return 0;
  uint64_t before = atomic_fetch_add(&control->injected, 1);
  char line[PATH_MAX + 32], where[PATH_MAX + 16];
  snprintf(where, sizeof where, "%s/injected", state);
  int length = snprintf(line, sizeof line, "%s %s\n", names[class], path + root_length);
  int fd = real_open64(where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || real_write(fd, line, length) != length) die("injected");
  close(fd);
  errno = (int)control->fail_with[class];
  return control->tears && !before ? 2 : 1;
}

/* ------------------------------------------------------------------ what a cut would leave */

/* Files that were changed since their last fsync, and the first octet that was. */
#define DIRTY 4096
static struct { uint64_t ino, from; } dirty[DIRTY];

static void soil(int fd, uint64_t from) {
  struct stat64 st;
  if (!forgets || fstat64(fd, &st) || !S_ISREG(st.st_mode)) return;
  for (size_t at = st.st_ino % DIRTY, tries = 0; tries < DIRTY; at = (at + 1) % DIRTY, tries++) {
    if (dirty[at].ino && dirty[at].ino != st.st_ino) continue;
    if (!dirty[at].ino || from < dirty[at].from) dirty[at].from = from;
    dirty[at].ino = st.st_ino;
    return;
  }
  die("too many files");
}

static void identify(int dir, const char *name, char *id, size_t size) {
  struct statx st;
  int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
  if (statx(dir, name, flags, STATX_INO | STATX_BTIME, &st)) { *id = 0; return; }
  snprintf(id, size, "%llx.%lld", (unsigned long long)st.stx_ino,
           (long long)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec);
}

static void keep_file(int fd, const struct stat64 *st) {
  char id[64], path[PATH_MAX + 96], self[40], buffer[1 << 16];
  identify(fd, "", id, sizeof id);
  snprintf(path, sizeof path, "%s/%s.file", state, id);
  uint64_t from = 0;
  int kept = real_open64(path, O_WRONLY | O_CLOEXEC);
  if (kept >= 0) {
    from = UINT64_MAX;
    for (size_t at = st->st_ino % DIRTY; dirty[at].ino; at = (at + 1) % DIRTY)
      if (dirty[at].ino == st->st_ino) { from = dirty[at].from; dirty[at].from = UINT64_MAX; break; }
  } else {
    kept = real_open64(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (kept < 0) die(path);
  }
  /* The descriptor may be open to write alone. */
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  int source = real_open64(self, O_RDONLY | O_CLOEXEC);
  if (source < 0) die(self);
  for (uint64_t at = from; at < (uint64_t)st->st_size;) {
    ssize_t got = real_pread64(source, buffer, sizeof buffer, (off64_t)at);
    if (got < 0) die("pread");
    if (!got) break;
    if (real_pwrite64(kept, buffer, (size_t)got, (off64_t)at) != got) die("pwrite");
    at += (uint64_t)got;
  }
  if (real_ftruncate64(kept, st->st_size)) die("ftruncate");
  close(source);
  close(kept);
}

static void keep_dir(int fd) {
  char id[64], path[PATH_MAX + 96], new[PATH_MAX + 100];
  identify(fd, "", id, sizeof id);
  snprintf(path, sizeof path, "%s/%s.dir", state, id);
  snprintf(new, sizeof new, "%s.new", path);
  FILE *list = fopen(new, "we");
  int again = real_openat64(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = again < 0 ? NULL : fdopendir(again);
  if (!list || !dir) die(new);
  for (struct dirent64 *entry; (entry = readdir64(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    identify(fd, entry->d_name, id, sizeof id);
    if (*id) fprintf(list, "%s %s\n", id, entry->d_name);
  }
  closedir(dir);
  if (fclose(list) || real_rename(new, path)) die(path);
}

static int sync_one(int fd, int (*really)(int)) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return really(fd);
  event();
  if (fails(SYNC, path)) return -1;
  if (!forgets) return really(fd);
  struct stat64 st;
  pthread_mutex_lock(&lock);
  if (fstat64(fd, &st)) die("fstat");
  if (control->lies && S_ISREG(st.st_mode)) {
  } else if (S_ISDIR(st.st_mode)) {
    keep_dir(fd);
  } else {
    keep_file(fd, &st);
  }
  pthread_mutex_unlock(&lock);
  event();
  return 0;
}

int fsync(int fd) { return sync_one(fd, real_fsync); }
int fdatasync(int fd) { return sync_one(fd, real_fdatasync); }

/* No promise is made by it. */
int sync_file_range(int fd, off64_t from, off64_t length, unsigned flags) {
  (void)fd; (void)from; (void)length; (void)flags;
  return 0;
}

/* ------------------------------------------------------------------ octets */

static ssize_t put(int fd, const void *from, size_t length, off64_t at, int here) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) {
    return here ? real_write(fd, from, length) : real_pwrite64(fd, from, length, at);
  }
  event();
  int failing = fails(WRITE, path), why = errno;
  if (failing) {
    length = failing == 2 ? length / 2 : 0;
    if (!length) { errno = why; return -1; }
  }
  pthread_mutex_lock(&lock);
  if (here) {
    at = lseek64(fd, 0, SEEK_CUR);
    if (at < 0 || (fcntl(fd, F_GETFL) & O_APPEND)) at = 0;
  }
  ssize_t put = here ? real_write(fd, from, length) : real_pwrite64(fd, from, length, at);
  if (put > 0) soil(fd, (uint64_t)at);
  why = errno;
  pthread_mutex_unlock(&lock);
  errno = why;
  return put;
}

ssize_t write(int fd, const void *from, size_t length) { return put(fd, from, length, 0, 1); }
ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
  return put(fd, from, length, at, 0);
}
ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
  return put(fd, from, length, at, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return real_writev(fd, parts, count);
  /* A short write is a write. */
  for (int part = 0; part < count; part++)
    if (parts[part].iov_len) return put(fd, parts[part].iov_base, parts[part].iov_len, 0, 1);
  return 0;
}

int ftruncate64(int fd, off64_t length) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return real_ftruncate64(fd, length);
  event();
  if (fails(WRITE, path)) return -1;
  pthread_mutex_lock(&lock);
  int done = real_ftruncate64(fd, length), why = errno;
  if (!done) soil(fd, (uint64_t)length);
  pthread_mutex_unlock(&lock);
  errno = why;
  return done;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

ssize_t read(int fd, void *into, size_t length) {
  char path[PATH_MAX];
  if (is_ours(fd, path) && fails(READ, path)) return -1;
  return real_read(fd, into, length);
}
ssize_t pread64(int fd, void *into, size_t length, off64_t at) {
  char path[PATH_MAX];
  if (is_ours(fd, path) && fails(READ, path)) return -1;
  return real_pread64(fd, into, length, at);
}
ssize_t pread(int fd, void *into, size_t length, off_t at) {
  return pread64(fd, into, length, at);
}

/* ------------------------------------------------------------------ names */

static int refused(const char *path) {
  if (!control || !is_below(path)) return 0;
  event();
  return fails(NAME, path);
}

static int opened(int fd, int flags) {
  if (fd >= 0 && control && (flags & O_TRUNC)) {
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    if (is_ours(fd, path)) soil(fd, 0);
    pthread_mutex_unlock(&lock);
  }
  return fd;
}

#define MODE(flags, mode)                    \
  if ((flags) & (O_CREAT | O_TMPFILE)) {     \
    va_list rest;                            \
    va_start(rest, flags);                   \
    mode = va_arg(rest, mode_t);             \
    va_end(rest);                            \
  }

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode)
  if ((flags & O_CREAT) && refused(path)) return -1;
  return opened(real_open64(path, flags, mode), flags);
}
int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode)
  return open64(path, flags, mode);
}
int openat64(int dir, const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode)
  return opened(real_openat64(dir, path, flags, mode), flags);
}
int openat(int dir, const char *path, int flags, ...) {
  mode_t mode = 0;
  MODE(flags, mode)
  return openat64(dir, path, flags, mode);
}
int rename(const char *from, const char *to) {
  return refused(to) ? -1 : real_rename(from, to);
}
int unlink(const char *path) { return refused(path) ? -1 : real_unlink(path); }
int rmdir(const char *path) { return refused(path) ? -1 : real_rmdir(path); }
int mkdir(const char *path, mode_t mode) { return refused(path) ? -1 : real_mkdir(path, mode); }
int unlinkat(int dir, const char *name, int flags) {
  char path[PATH_MAX];
  if (is_ours(dir, path) && refused(path)) return -1;
  return real_unlinkat(dir, name, flags);
}
