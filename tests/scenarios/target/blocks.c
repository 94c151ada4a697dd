/*
 * What scenarios do to memory, each in one call, so that no allocation of Python's comes between
 * the steps. Loaded by blocks.py through ctypes; libc and nothing else. Built without optimization:
 * a compiler removes a malloc whose block is not looked at.
 *
 * A function returns 0, or the line of the first step that did not do what the manual page says.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE       4096ul
#define HUGE_BYTES (PTRDIFF_MAX - 4096l)

#define MUST(condition)                  \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

void *take(size_t n)
{
	return malloc(n);
}

void give(void *block)
{
	free(block);
}

int hold(size_t n, int count)
{
	for (int i = 0; i < count; i++)
		MUST(malloc(n));
	return 0;
}

/* Every other one is released at once. */
int kept_and_freed(size_t n, int count)
{
	for (int i = 0; i < count; i++) {
		void *block = malloc(n);

		MUST(block);
		if (i % 2)
			free(block);
	}
	return 0;
}

/* Blocks of n to n + 1023 bytes, a third of which stay: what no compression makes small. */
int scattered(size_t n, int count)
{
	uint64_t state = 88172645463325252ull;

	for (int i = 0; i < count; i++) {
		void *block;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		block = malloc(n + (state >> 20) % 1024);
		MUST(block);
		if ((state >> 40) % 3)
			free(block);
	}
	return 0;
}

/* Each member of the family once, all kept. */
int family_kept(size_t n)
{
	void *block = NULL;

	MUST(malloc(n));
	MUST(calloc(7, n));
	MUST(realloc(NULL, n + 1));
	MUST(reallocarray(NULL, 3, n));
	MUST(posix_memalign(&block, 64, n + 2) == 0 && (uintptr_t)block % 64 == 0);
	MUST((uintptr_t)aligned_alloc(4096, 16 * PAGE) % 4096 == 0);
	MUST((uintptr_t)memalign(256, n + 3) % 256 == 0);
	MUST((uintptr_t)valloc(n + 4) % PAGE == 0);
	MUST((uintptr_t)pvalloc(n + 5) % PAGE == 0);
	return 0;
}

int family_released(size_t n)
{
	void *cfree_found = dlsym(RTLD_DEFAULT, "cfree");
	void *sized_found = dlsym(RTLD_DEFAULT, "free_sized");
	void *aligned_found = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	void (*old_free)(void *) = free;
	void *block = NULL;

	free(malloc(n));
	free(calloc(7, n));
	free(reallocarray(NULL, 3, n));
	MUST(posix_memalign(&block, 64, n + 2) == 0);
	free(block);
	free(memalign(256, n + 3));
	free(valloc(n + 4));
	free(pvalloc(n + 5));
	if (cfree_found)
		memcpy(&old_free, &cfree_found, sizeof(old_free));
	old_free(malloc(n));
	block = malloc(n);
	if (sized_found) {
		void (*sized)(void *, size_t);

		memcpy(&sized, &sized_found, sizeof(sized));
		sized(block, n);
	} else {
		free(block);
	}
	block = aligned_alloc(4096, 16 * PAGE);
	if (aligned_found) {
		void (*aligned)(void *, size_t, size_t);

		memcpy(&aligned, &aligned_found, sizeof(aligned));
		aligned(block, 4096, 16 * PAGE);
	} else {
		free(block);
	}
	return 0;
}

/* What fails leaves nothing behind. */
int family_failures(size_t n)
{
	size_t huge = HUGE_BYTES;
	void *block = &huge;

	MUST(posix_memalign(&block, 3, n) == EINVAL && block == &huge);
	MUST(posix_memalign(&block, 4, n) == EINVAL && block == &huge);
	MUST(posix_memalign(&block, 64, huge) == ENOMEM && block == &huge);
	errno = 0;
	MUST(!malloc(huge) && errno == ENOMEM);
	errno = 0;
	MUST(!calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
	errno = 0;
	MUST(!reallocarray(NULL, SIZE_MAX / 2, 3) && errno == ENOMEM);
	errno = 0;
	MUST(!aligned_alloc(4096, huge) && errno == ENOMEM);
	errno = 0;
	MUST(!memalign(4096, huge) && errno == ENOMEM);
	errno = 0;
	MUST(!valloc(huge) && errno == ENOMEM);
	errno = 0;
	MUST(!pvalloc(huge) && errno == ENOMEM);
	errno = 0;
	MUST(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	     errno == EINVAL);
	errno = 0;
	MUST(mmap(NULL, n, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
	errno = 0;
	MUST(sbrk(huge) == (void *)-1 && errno == ENOMEM);
	return 0;
}

/* A hundred blocks of no bytes; freeing nothing. */
int family_nothing(size_t n)
{
	(void)n;
	for (int i = 0; i < 100; i++)
		MUST(malloc(0));
	for (int i = 0; i < 10; i++)
		free(malloc(0));
	free(NULL);
	return 0;
}

/* What succeeds does not touch errno. */
int family_errno(size_t n)
{
	void *block, *moved;

	errno = 77;
	block = malloc(n);
	MUST(block && errno == 77);
	moved = realloc(block, 2 * n);
	MUST(moved && errno == 77);
	free(moved);
	MUST(errno == 77);
	free(NULL);
	MUST(errno == 77);
	block = mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(block != MAP_FAILED && errno == 77);
	MUST(munmap(block, 16 * PAGE) == 0 && errno == 77);
	return 0;
}

int resize_from_null(size_t n)
{
	MUST(realloc(NULL, n));
	return 0;
}

int resize_smaller(size_t n)
{
	void *block = malloc(3 * n);

	MUST(block);
	MUST(realloc(block, n));
	return 0;
}

int resize_moved(size_t n)
{
	void *block = malloc(n);
	void *wall = calloc(1, 32); /* the block cannot grow where it is */
	char *moved;

	MUST(block && wall);
	memset(block, 5, n);
	moved = realloc(block, 11 * n);
	MUST(moved && moved != block && moved[0] == 5 && moved[n - 1] == 5);
	return 0;
}

int resize_to_zero(size_t n)
{
	void *block = malloc(n);

	MUST(block);
	MUST(!realloc(block, 0));
	return 0;
}

/* A block stays what it was when it cannot grow: one is kept, one released afterwards. */
int resize_failing(size_t n)
{
	void *kept = malloc(n);
	void *released = malloc(n + 2);

	MUST(kept && released);
	errno = 0;
	MUST(!realloc(kept, HUGE_BYTES) && errno == ENOMEM);
	MUST(!realloc(released, HUGE_BYTES));
	free(released);
	return 0;
}

/* n, 2n, .. 10n, and released. */
int resize_in_steps(size_t n)
{
	void *block = NULL;

	for (size_t i = 1; i <= 10; i++)
		MUST((block = realloc(block, i * n)));
	free(block);
	return 0;
}

int resize_array(size_t n)
{
	void *block = reallocarray(NULL, 3, n);

	MUST(block);
	block = reallocarray(block, 5, n);
	MUST(block);
	MUST(reallocarray(block, 2, n));
	return 0;
}

int resize_array_overflow(size_t n)
{
	void *block = malloc(n);

	MUST(block);
	errno = 0;
	MUST(!reallocarray(block, SIZE_MAX / 2, 4) && errno == ENOMEM);
	MUST(!reallocarray(block, 0, 8));
	return 0;
}

static char *map_at(void *address, size_t bytes, int flags)
{
	return mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
		    0);
}

/* n is a whole number of pages, at least 10, in all of these. */
int unmap_head(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory, 2 * PAGE) == 0);
	return 0;
}

int unmap_tail(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory + n - 3 * PAGE, 3 * PAGE) == 0);
	return 0;
}

int unmap_middle(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory + 2 * PAGE, 5 * PAGE) == 0);
	return 0;
}

/* Gone in the end, whatever the order of its pieces. */
int unmap_in_pieces(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory + 4 * PAGE, PAGE) == 0);
	MUST(munmap(memory, PAGE) == 0);
	MUST(munmap(memory + 6 * PAGE, n - 6 * PAGE) == 0);
	MUST(munmap(memory, n) == 0);
	return 0;
}

/* One munmap takes the tail of the first, the whole second and the head of the third. */
int unmap_several(size_t n)
{
	char *room = map_at(NULL, 3 * n, MAP_NORESERVE);

	MUST(room != MAP_FAILED && munmap(room, 3 * n) == 0);
	for (int i = 0; i < 3; i++)
		MUST(map_at(room + i * n, n, MAP_FIXED) == room + i * n);
	MUST(munmap(room + n - PAGE, n + 3 * PAGE) == 0);
	return 0;
}

/* Nothing was mapped there. */
int unmap_unused(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory, n) == 0);
	MUST(munmap(memory, n) == 0);
	return 0;
}

/* 9 pages and 5 bytes: the kernel works in pages, the program asked for bytes. */
int unmap_odd_length(size_t n)
{
	char *kept = map_at(NULL, n + 5, 0);
	char *released = map_at(NULL, n + 5, 0);

	MUST(kept != MAP_FAILED && released != MAP_FAILED);
	MUST(munmap(released, n + 1) == 0);
	return 0;
}

int unmap_failing(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(munmap(memory + 1, n) == -1 && errno == EINVAL);
	MUST(munmap(memory, 0) == -1 && errno == EINVAL);
	return 0;
}

int remap_grow(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(mremap(memory, n, 64 * n, MREMAP_MAYMOVE) != MAP_FAILED);
	return 0;
}

int remap_shrink(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(mremap(memory, n, n - 4 * PAGE, 0) == memory);
	return 0;
}

int remap_fixed(size_t n)
{
	char *memory = map_at(NULL, n, 0);
	char *room = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED && room != MAP_FAILED && munmap(room, n) == 0);
	MUST(mremap(memory, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
	return 0;
}

/* Moved over two thirds of another one. */
int remap_fixed_over(size_t n)
{
	char *memory = map_at(NULL, 2 * n, 0);
	char *victim = map_at(NULL, 3 * n, 0);

	MUST(memory != MAP_FAILED && victim != MAP_FAILED);
	MUST(mremap(memory, 2 * n, 2 * n, MREMAP_MAYMOVE | MREMAP_FIXED, victim) == victim);
	return 0;
}

/* Two pages out of the middle move away; the rest of the mapping stays. */
int remap_part(size_t n)
{
	char *memory = map_at(NULL, n, 0);
	char *room = map_at(NULL, 2 * PAGE, 0);

	MUST(memory != MAP_FAILED && room != MAP_FAILED && munmap(room, 2 * PAGE) == 0);
	MUST(mremap(memory + 3 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room) ==
	     room);
	return 0;
}

int remap_failing(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(mremap(memory, n, HUGE_BYTES & ~(PAGE - 1), MREMAP_MAYMOVE) == MAP_FAILED);
	MUST(mremap(memory + 1, n, 2 * n, MREMAP_MAYMOVE) == MAP_FAILED);
	return 0;
}

/* No old size: the shared mapping is there twice afterwards. */
int remap_copy(size_t n)
{
	char *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	MUST(mremap(memory, 0, n, MREMAP_MAYMOVE) != MAP_FAILED);
	return 0;
}

int map_over(size_t n)
{
	char *memory = map_at(NULL, n, MAP_NORESERVE);

	MUST(memory != MAP_FAILED);
	MUST(map_at(memory, n, MAP_FIXED | MAP_NORESERVE) == memory);
	return 0;
}

int map_over_middle(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(map_at(memory + 2 * PAGE, 3 * PAGE, MAP_FIXED) == memory + 2 * PAGE);
	return 0;
}

/* Three side by side; one over the end of the first, the second, and the beginning of the third. */
int map_over_several(size_t n)
{
	char *room = map_at(NULL, 3 * n, MAP_NORESERVE);

	MUST(room != MAP_FAILED && munmap(room, 3 * n) == 0);
	for (int i = 0; i < 3; i++)
		MUST(map_at(room + i * n, n, MAP_FIXED) == room + i * n);
	MUST(map_at(room + n - 2 * PAGE, n + 4 * PAGE, MAP_FIXED) == room + n - 2 * PAGE);
	return 0;
}

int map_refused(size_t n)
{
	char *memory = map_at(NULL, n, 0);

	MUST(memory != MAP_FAILED);
	MUST(map_at(memory, n, MAP_FIXED_NOREPLACE) == MAP_FAILED && errno == EEXIST);
	return 0;
}

int break_raised(size_t n)
{
	MUST(sbrk((intptr_t)n) != (void *)-1);
	return 0;
}

int break_raised_and_lowered(size_t n)
{
	MUST(sbrk((intptr_t)n) != (void *)-1);
	MUST(sbrk(-(intptr_t)n) != (void *)-1);
	MUST(sbrk(0) != (void *)-1);
	return 0;
}

int break_lowered_by_part(size_t n)
{
	MUST(sbrk((intptr_t)n) != (void *)-1);
	MUST(sbrk(-(intptr_t)(n - 12345)) != (void *)-1);
	return 0;
}

int break_set(size_t n)
{
	char *now = sbrk(0);

	MUST(brk(now + n) == 0 && sbrk(0) == now + n);
	MUST(brk(now + 23456) == 0);
	return 0;
}

int many_pairs(size_t n, int pairs)
{
	for (int i = 0; i < pairs; i++) {
		char *memory = map_at(NULL, n, MAP_NORESERVE);

		MUST(memory != MAP_FAILED && munmap(memory, n) == 0);
	}
	return 0;
}

/* Every other one gets another protection, so that the kernel keeps them apart. */
int many_at_once(size_t n, int mappings)
{
	char **memory = malloc(sizeof(*memory) * (size_t)mappings);

	MUST(memory);
	for (int i = 0; i < mappings; i++) {
		memory[i] = mmap(NULL, n, i % 2 ? PROT_READ : PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		MUST(memory[i] != MAP_FAILED);
	}
	for (int i = 0; i < mappings; i++)
		MUST(munmap(memory[(i * 7919l) % mappings], n) == 0);
	free(memory);
	return 0;
}

static void *free_it(void *block)
{
	free(block);
	return NULL;
}

int freed_by_thread(size_t n)
{
	void *block = malloc(n);
	pthread_t thread;

	MUST(block && pthread_create(&thread, NULL, free_it, block) == 0);
	return pthread_join(thread, NULL);
}

static pthread_key_t key;
static int rounds_left;

static void destroy_value(void *block)
{
	if (rounds_left-- > 0)
		pthread_setspecific(key, block);
	else
		free(block);
}

static void *keep_value(void *bytes)
{
	pthread_setspecific(key, malloc((size_t)bytes));
	return NULL;
}

static int destructor_after(size_t n, int rounds)
{
	pthread_t thread;

	rounds_left = rounds;
	MUST(pthread_key_create(&key, destroy_value) == 0);
	MUST(pthread_create(&thread, NULL, keep_value, (void *)n) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	return pthread_key_delete(key);
}

int freed_in_destructor(size_t n)
{
	return destructor_after(n, 0);
}

/* In the last of PTHREAD_DESTRUCTOR_ITERATIONS rounds: every other destructor has run by then. */
int freed_in_last_destructor(size_t n)
{
	return destructor_after(n, 3);
}

/* Two threads and a queue of 64 places, so that a block is often freed while the next is made. */
#define PLACES 64

static struct {
	_Atomic(void *) place[PLACES];
	size_t bytes;
	int blocks;
} queue;

static void *consume(void *unused)
{
	for (int i = 0; i < queue.blocks; i++) {
		void *block;

		while (!(block = atomic_exchange(&queue.place[i % PLACES], NULL)))
			;
		free(block);
	}
	return unused;
}

static void *produce(void *unused)
{
	for (int i = 0; i < queue.blocks; i++) {
		void *block = i % 3 ? malloc(queue.bytes) : realloc(malloc(64), queue.bytes);

		while (atomic_load(&queue.place[i % PLACES]))
			;
		atomic_store(&queue.place[i % PLACES], block);
	}
	return unused;
}

int handed_over(size_t n, int blocks)
{
	pthread_t consumer;

	queue.bytes = n;
	queue.blocks = blocks;
	MUST(pthread_create(&consumer, NULL, consume, NULL) == 0);
	produce(NULL);
	return pthread_join(consumer, NULL);
}

/* Both threads release and take blocks of one size: an address that one gives up, the other gets.
 * The arena is one, so that they do share. */
static void *take_and_give(void *unused)
{
	for (int i = 0; i < queue.blocks; i++) {
		void *first = malloc(queue.bytes), *second = malloc(queue.bytes);

		free(first);
		free(realloc(second, queue.bytes + (i % 2 ? 16 : 0)));
	}
	return unused;
}

int released_and_reused(size_t n, int blocks)
{
	pthread_t other;

	queue.bytes = n;
	queue.blocks = blocks;
	mallopt(M_ARENA_MAX, 1);
	MUST(pthread_create(&other, NULL, take_and_give, NULL) == 0);
	take_and_give(NULL);
	return pthread_join(other, NULL);
}

int found_by_dlsym(size_t n)
{
	void *(*found_malloc)(size_t);
	void (*found_free)(void *);
	void *address = dlsym(RTLD_DEFAULT, "malloc");

	MUST(address);
	memcpy(&found_malloc, &address, sizeof(address));
	address = dlsym(RTLD_DEFAULT, "free");
	memcpy(&found_free, &address, sizeof(address));
	MUST(found_malloc(n));
	found_free(found_malloc(n + 2));
	return 0;
}

int temporary_at_once(size_t n)
{
	free(malloc(n));
	return 0;
}

/* The second allocation is the first one's successor, and stays. */
int temporary_after_one(size_t n)
{
	void *block = malloc(n);

	MUST(malloc(32));
	free(block);
	return 0;
}

int temporary_after_two(size_t n)
{
	void *block = malloc(n);

	MUST(malloc(32));
	MUST(malloc(32));
	free(block);
	return 0;
}

int temporary_never(size_t n)
{
	MUST(malloc(n));
	return 0;
}

static void *run_named(void *bytes)
{
	char name[16] = "named-?";

	name[6] = (char)('0' + (size_t)bytes % 7);
	pthread_setname_np(pthread_self(), name);
	return malloc((size_t)bytes);
}

/* Three native threads "named-<bytes % 7>", each with one block of n, n + 2 and n + 4. */
int threads_named(size_t n)
{
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		MUST(pthread_create(&thread[i], NULL, run_named, (void *)(n + 2 * i)) == 0);
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
	return 0;
}

static void *run_function(void *argument)
{
	void (*function)(void);

	memcpy(&function, argument, sizeof(function));
	function();
	return NULL;
}

int thread_calls(void (*function)(void))
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, run_function, &function) == 0);
	return pthread_join(thread, NULL);
}

static int wait_for(pid_t child)
{
	int status;

	MUST(child > 0);
	MUST(waitpid(child, &status, 0) == child);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

int fork_and_allocate(size_t n)
{
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 100; i++)
			free(malloc(n));
		_exit(malloc(n) ? 0 : 1);
	}
	return wait_for(child);
}

int vfork_and_run(void)
{
	pid_t child = vfork();

	if (child == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	return wait_for(child);
}

/* fork without the C library's fork: no pthread_atfork handler runs. */
int clone_and_allocate(size_t n)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (child == 0) {
		for (int i = 0; i < 100; i++)
			free(malloc(n));
		_exit(malloc(n) ? 0 : 1);
	}
	return wait_for(child);
}

void sort_by(int *numbers, size_t count, int (*compare)(const void *, const void *))
{
	qsort(numbers, count, sizeof(*numbers), compare);
}

void call_back(void (*function)(void))
{
	function();
}

static volatile long mapped;
static volatile size_t handler_bytes;

/* mmap may be called in a handler; malloc may not. */
static void map_in_handler(int number)
{
	int saved = errno;
	char *memory = map_at(NULL, handler_bytes, MAP_NORESERVE);

	(void)number;
	if (memory != MAP_FAILED && munmap(memory, handler_bytes) == 0)
		mapped++;
	errno = saved;
}

/* A timer's signal strikes inside hooks and outside of them; interrupts_mapped says how often. */
int interrupted(size_t n, int rounds)
{
	struct sigaction action = {.sa_handler = map_in_handler, .sa_flags = SA_RESTART}, before;
	struct itimerval timer = {{0, 100}, {0, 100}}, off = {{0, 0}, {0, 0}};

	handler_bytes = n;
	MUST(sigaction(SIGALRM, &action, &before) == 0);
	MUST(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	for (int i = 0; i < rounds; i++)
		free(malloc(n + 2));
	MUST(setitimer(ITIMER_REAL, &off, NULL) == 0);
	return sigaction(SIGALRM, &before, NULL);
}

long interrupts_mapped(void)
{
	return mapped;
}
