/*
 * A disk that loses what was not synchronised, for LD_PRELOAD: everything that the program writes below one folder goes on as it
 * does, and a second folder keeps what a disk would have of it. At the sync point that it is told, the power goes: of what was
 * written since each file's last sync a part reaches the disk by chance, sector by sector, in no order; names that were made,
 * removed or renamed since the folder's last sync come through or not. Then the process is killed.
 *
 *   LOSE_FOLDER   the folder, as an absolute path
 *   LOSE_DISK     where what reaches the disk is written down as the power goes, with `report.json`
 *   LOSE_AT       the sync point, counted from 1; 0: never
 *   LOSE_SIDE     `before` (that sync has not been done) or `after` (it has, and nothing more)
 *   LOSE_SEED     decides what else comes through
 *
 * Files whose name ends with `-shm` are shared memory, of which nothing is left. At its start every file of the folder is whole
 * on the disk.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define MOST_FILES 4096
#define MOST_FDS 4096

struct change { /* a write, or where bytes is NULL a new length */
  off_t at;
  size_t size;
  unsigned char *bytes;
  struct change *next;
};
struct file {
  char name[NAME_MAX + 1];     /* what it is called now; empty: removed */
  char on_disk[NAME_MAX + 1];  /* what the disk calls it; empty: it does not know it */
  unsigned char *synced;       /* content as of its last sync */
  size_t synced_size;
  struct change *first, *last; /* since then */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[MOST_FILES];
static int file_count;
static int of_fd[MOST_FDS];    /* number of the file and 1, or FOLDER_FD, or 0 */
static ino_t inode_of[MOST_FDS]; /* libuv closes without close(): a number may be another file's by now */
#define FOLDER_FD (-1)
static char folder[PATH_MAX], disk[PATH_MAX];
static long cut_at, points;
static int cut_before;
static uint32_t chance_state;
static int ready;

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int real_open(const char *path, int flags, mode_t mode) {
  REAL(int, open, const char *, int, ...);
  return real(path, flags, mode);
}
static ssize_t real_pwrite(int fd, const void *bytes, size_t size, off_t at) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  return real(fd, bytes, size, at);
}
static int real_close(int fd) {
  REAL(int, close, int);
  return real(fd);
}

static uint32_t chance(uint32_t below) { /* mulberry32 */
  uint32_t x = chance_state += 0x6d2b79f5u;
  x = (x ^ (x >> 15)) * (x | 1);
  x ^= x + (x ^ (x >> 7)) * (x | 61);
  return (x ^ (x >> 14)) % below;
}

/* A disk that the shim itself cannot keep is a mistake of whoever runs it. */
static void give_up(const char *why) {
  dprintf(2, "lose-unsynced: %s (%s)\n", why, strerror(errno));
  kill(getpid(), SIGKILL);
}

static unsigned char *copy_of(const void *bytes, size_t size) {
  unsigned char *copy = malloc(size == 0 ? 1 : size);
  if (copy == NULL) give_up("no memory");
  memcpy(copy, bytes, size);
  return copy;
}

static void read_whole(struct file *file) {
  char path[PATH_MAX * 2];
  snprintf(path, sizeof path, "%s/%s", folder, file->name);
  int fd = real_open(path, O_RDONLY, 0);
  struct stat state;
  if (fd < 0 || fstat(fd, &state) != 0) give_up(path);
  file->synced_size = (size_t)state.st_size;
  file->synced = malloc(file->synced_size + 1);
  for (size_t at = 0; at < file->synced_size;) {
    ssize_t got = pread(fd, file->synced + at, file->synced_size - at, (off_t)at);
    if (got <= 0) give_up(path);
    at += (size_t)got;
  }
  real_close(fd);
}

__attribute__((constructor)) static void begin(void) {
  const char *where = getenv("LOSE_FOLDER"), *kept = getenv("LOSE_DISK");
  if (where == NULL || kept == NULL) return;
  snprintf(folder, sizeof folder, "%s", where);
  snprintf(disk, sizeof disk, "%s", kept);
  const char *at = getenv("LOSE_AT"), *side = getenv("LOSE_SIDE"), *seed = getenv("LOSE_SEED");
  cut_at = at == NULL ? 0 : atol(at);
  cut_before = side != NULL && strcmp(side, "before") == 0;
  chance_state = seed == NULL ? 1 : (uint32_t)strtoul(seed, NULL, 10);
  DIR *all = opendir(folder);
  if (all == NULL) give_up(folder);
  for (struct dirent *one = readdir(all); one != NULL; one = readdir(all)) {
    if (one->d_type != DT_REG) continue;
    struct file *file = &files[file_count++];
    snprintf(file->name, sizeof file->name, "%s", one->d_name);
    snprintf(file->on_disk, sizeof file->on_disk, "%s", one->d_name);
    read_whole(file);
  }
  closedir(all);
  ready = 1;
}

/* The name below the folder; NULL: elsewhere. */
static const char *name_of(const char *path) {
  size_t length = strlen(folder);
  if (!ready || path == NULL || strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
  const char *name = path + length + 1;
  size_t end = strlen(name);
  if (end == 0 || strchr(name, '/') != NULL || (end > 4 && strcmp(name + end - 4, "-shm") == 0)) return NULL;
  return name;
}

static struct file *find(const char *name) {
  for (int i = 0; i < file_count; i++)
    if (strcmp(files[i].name, name) == 0) return &files[i];
  return NULL;
}

static void add(struct file *file, off_t at, const void *bytes, size_t size) {
  struct change *change = calloc(1, sizeof *change);
  if (change == NULL) give_up("no memory");
  change->at = at;
  change->size = size;
  change->bytes = bytes == NULL ? NULL : copy_of(bytes, size);
  if (file->last == NULL) file->first = change;
  else file->last->next = change;
  file->last = change;
}

static void put(struct file *file, size_t at, const unsigned char *bytes, size_t size) {
  if (at + size > file->synced_size) {
    file->synced = realloc(file->synced, at + size);
    if (file->synced == NULL) give_up("no memory");
    memset(file->synced + file->synced_size, 0, at + size - file->synced_size);
    file->synced_size = at + size;
  }
  memcpy(file->synced + at, bytes, size);
}

static void set_length(struct file *file, size_t size) {
  if (size <= file->synced_size) {
    file->synced_size = size;
    return;
  }
  static const unsigned char nothing[1];
  put(file, size - 1, nothing, 1);
}

/* Brings every change of a file to the disk, or of each sector only some; answers the bytes that do not come through. */
static size_t bring(struct file *file, int lost_in_three) {
  size_t lost = 0;
  for (struct change *change = file->first, *next; change != NULL; change = next) {
    next = change->next;
    if (change->bytes == NULL) {
      if (lost_in_three == 0 || (int)chance(3) >= lost_in_three) set_length(file, (size_t)change->at);
      else lost++;
    } else {
      for (size_t at = 0; at < change->size;) {
        size_t here = SECTOR - ((size_t)change->at + at) % SECTOR;
        if (here > change->size - at) here = change->size - at;
        if (lost_in_three == 0 || (int)chance(3) >= lost_in_three)
          put(file, (size_t)change->at + at, change->bytes + at, here);
        else lost += here;
        at += here;
      }
    }
    free(change->bytes);
    free(change);
  }
  file->first = file->last = NULL;
  return lost;
}

static void write_down(const char *name, const void *bytes, size_t size) {
  char path[PATH_MAX * 2];
  snprintf(path, sizeof path, "%s/%s", disk, name);
  int fd = real_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) give_up(path);
  for (size_t at = 0; at < size;) {
    ssize_t done = real_pwrite(fd, (const char *)bytes + at, size - at, (off_t)at);
    if (done <= 0) give_up(path);
    at += (size_t)done;
  }
  real_close(fd);
}

/* The power goes. */
static void cut(void) {
  size_t lost_bytes = 0;
  int lost_names = 0;
  for (int i = 0; i < file_count; i++) {
    struct file *file = &files[i];
    if (strcmp(file->name, file->on_disk) != 0) {
      if (chance(2)) memcpy(file->on_disk, file->name, sizeof file->name);
      else lost_names++;
    }
    lost_bytes += bring(file, 1 + (int)chance(3));
  }
  for (int i = 0; i < file_count; i++) {
    /* Two of one name: the one that has it now came later. */
    if (files[i].on_disk[0] != '\0') write_down(files[i].on_disk, files[i].synced, files[i].synced_size);
  }
  char report[200];
  int size = snprintf(report, sizeof report, "{\"point\":%ld,\"lostBytes\":%zu,\"lostNames\":%d}", points, lost_bytes,
                      lost_names);
  write_down("report.json", report, (size_t)size);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int known(int fd) {
  struct stat state;
  if (!ready || fd < 0 || fd >= MOST_FDS || of_fd[fd] == 0) return 0;
  return fstat(fd, &state) == 0 && state.st_ino == inode_of[fd] ? of_fd[fd] : 0;
}

static int sync_now(int fd) {
  if (known(fd) == 0) return 0;
  pthread_mutex_lock(&lock);
  points++;
  if (points == cut_at && cut_before) cut();
  if (of_fd[fd] == FOLDER_FD) {
    for (int i = 0; i < file_count; i++) memcpy(files[i].on_disk, files[i].name, sizeof files[i].name);
  } else {
    bring(&files[of_fd[fd] - 1], 0);
  }
  if (points == cut_at) cut();
  pthread_mutex_unlock(&lock);
  return 1;
}

static int opened(int fd, const char *path, int flags) {
  if (!ready || fd < 0) return fd;
  int kept = errno;
  if (fd >= MOST_FDS) give_up("too many open files");
  pthread_mutex_lock(&lock);
  const char *name = name_of(path);
  of_fd[fd] = strcmp(path, folder) == 0 ? FOLDER_FD : 0;
  if (name != NULL) {
    struct file *file = find(name);
    if (file == NULL) {
      if (file_count == MOST_FILES) give_up("too many files");
      file = &files[file_count++];
      snprintf(file->name, sizeof file->name, "%s", name);
    } else if (flags & O_TRUNC) {
      add(file, 0, NULL, 0);
    }
    of_fd[fd] = (int)(file - files) + 1;
  }
  struct stat state;
  if (of_fd[fd] != 0 && fstat(fd, &state) == 0) inode_of[fd] = state.st_ino;
  pthread_mutex_unlock(&lock);
  errno = kept;
  return fd;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list given; \
    va_start(given, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(given, mode_t) : 0; \
    va_end(given); \
    REAL(int, name, const char *, int, ...); \
    return opened(real(path, flags, mode), path, flags); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int at, const char *path, int flags, ...) { \
    va_list given; \
    va_start(given, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(given, mode_t) : 0; \
    va_end(given); \
    REAL(int, name, int, const char *, int, ...); \
    return opened(real(at, path, flags, mode), path, flags); \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  if (ready && fd >= 0 && fd < MOST_FDS) of_fd[fd] = 0;
  return real_close(fd);
}

static struct file *file_of(int fd) {
  int number = known(fd);
  return number > 0 ? &files[number - 1] : NULL;
}

/* What was written, noted; under the lock, so that a sync on another thread sees it whole or not at all. */
#define WRITTEN(call, where) \
  do { \
    struct file *file = file_of(fd); \
    if (file == NULL) return call; \
    pthread_mutex_lock(&lock); \
    off_t at = (where); \
    ssize_t done = call; \
    int kept = errno; \
    if (done > 0) add(file, at, bytes, (size_t)done); \
    pthread_mutex_unlock(&lock); \
    errno = kept; \
    return done; \
  } while (0)

static off_t place_of(int fd) {
  return (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(ssize_t, write, int, const void *, size_t);
  WRITTEN(real(fd, bytes, size), place_of(fd));
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t to) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  WRITTEN(real(fd, bytes, size, to), to);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t to) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
  WRITTEN(real(fd, bytes, size, to), to);
}

/* Ways of writing that nothing here is known to use: should that change, the run must not go on as if it lost them not. */
#define REFUSED(name, ...) \
  if (file_of(fd) != NULL) give_up("written by " #name ", which this shim does not follow"); \
  return real(__VA_ARGS__)
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  REFUSED(writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  REFUSED(pwritev, fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t);
  REFUSED(pwritev64, fd, parts, count, at);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  REAL(int, posix_fallocate, int, off_t, off_t);
  REFUSED(posix_fallocate, fd, at, size);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(int, fallocate, int, int, off_t, off_t);
  REFUSED(fallocate, fd, mode, at, size);
}
int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (name_of(from) != NULL || name_of(to) != NULL) give_up("renamed, which this shim does not follow");
  return real(from, to);
}

#define LENGTH(name, type) \
  int name(int fd, type size) { \
    REAL(int, name, int, type); \
    int done = real(fd, size); \
    struct file *file = file_of(fd); \
    if (done != 0 || file == NULL) return done; \
    pthread_mutex_lock(&lock); \
    add(file, (off_t)size, NULL, 0); \
    pthread_mutex_unlock(&lock); \
    return done; \
  }
LENGTH(ftruncate, off_t)
LENGTH(ftruncate64, off64_t)

static int removed(int done, const char *path) {
  const char *name = name_of(path);
  if (done != 0 || name == NULL) return done;
  pthread_mutex_lock(&lock);
  struct file *file = find(name);
  if (file != NULL) file->name[0] = '\0';
  pthread_mutex_unlock(&lock);
  return done;
}
int unlink(const char *path) {
  REAL(int, unlink, const char *);
  return removed(real(path), path);
}
int unlinkat(int at, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  return removed(real(at, path, flags), path);
}

#define SYNC(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    /* The disk of the machine is spared: whoever reads the folder afterwards reads the other one. */ \
    return sync_now(fd) ? 0 : real(fd); \
  }
SYNC(fsync)
SYNC(fdatasync)
