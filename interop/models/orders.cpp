// The orders of LATEST under the C++11 memory model, by random schedules (relacy).
//
// The numbers in the comments (W2, R1, ...) are the steps of docs/channels.md. A value is two words; both
// words of publish k are k. Words of a value are relaxed atomics, because a copy of bytes that another
// thread may be writing has no order of its own.
//
// usage: orders SCHEDULES [STEP...]
// Each STEP loses its order: a fence is left out; a release or acquire becomes relaxed. The last line is
// "holds" or the violation, and what the readers did:
//     holds: 100000 schedules, 12345 copies, 12345 holds, 123 retries

#include <cstdio>
#include <cstdlib>
#include <relacy/relacy.hpp>
#include <set>
#include <string>

static std::set<std::string> without_order;
static const char *violation = "none";
static long copies, holds, retries;

static bool ordered(const char *step) { return without_order.count(step) == 0; }

static rl::memory_order release_at(const char *step) { return ordered(step) ? rl::mo_release : rl::mo_relaxed; }

static rl::memory_order acquire_at(const char *step) { return ordered(step) ? rl::mo_acquire : rl::mo_relaxed; }

static void fence_at(const char *step) {
    if (ordered(step)) {
        rl::atomic_thread_fence(rl::mo_seq_cst, $);
    }
}

// The word "latest": a slot and a number.
static int word(int slot, int number) { return number * 16 + slot; }
static int slot_of(int word) { return word % 16; }
static int number_of(int word) { return word / 16; }

static void check(const char *name, bool wrong) {
    if (wrong) {
        violation = name;
    }
    RL_ASSERT(!wrong);
}

struct latest_channel : rl::test_suite<latest_channel, 3> {
    static const int slots = 3, values = 5, reads = 2;
    rl::atomic<int> stamp[slots], first[slots], second[slots], latest, pin, pinners;

    void before() {
        for (int s = 0; s < slots; s++) {
            stamp[s].store(0, rl::mo_relaxed, $);
            first[s].store(0, rl::mo_relaxed, $);
            second[s].store(0, rl::mo_relaxed, $);
        }
        // Publish 1 is complete in slot 0.
        stamp[0].store(2, rl::mo_relaxed, $);
        first[0].store(1, rl::mo_relaxed, $);
        second[0].store(1, rl::mo_relaxed, $);
        latest.store(word(0, 1), rl::mo_relaxed, $);
        pin.store(0, rl::mo_relaxed, $);
        pinners.store(0, rl::mo_relaxed, $);
    }

    void thread(unsigned number) {
        if (number == 0) {
            writer();
        } else if (number == 1) {
            copier();
        } else {
            viewer();
        }
    }

    bool is_pinned(int s) {
        int pinned = pin.load(rl::mo_relaxed, $);
        return pinned != 0 && slot_of(pinned) == s;
    }

    void writer() {
        int newest = 0;
        for (int k = 2; k <= values; k++) {
            int s = take_slot(k, newest);
            first[s].store(k, rl::mo_relaxed, $);               // W5
            second[s].store(k, rl::mo_relaxed, $);              // W5
            stamp[s].store(2 * k, release_at("W6"), $);         // W6
            latest.store(word(s, k), release_at("W8"), $);      // W8
            newest = s;
        }
    }

    int take_slot(int k, int newest) {
        for (int s = newest;;) {
            s = (s + 1) % slots;                                // W1
            if (s == newest || is_pinned(s)) {
                continue;
            }
            int old = stamp[s].load(rl::mo_relaxed, $);         // W2
            stamp[s].store(2 * k - 1, rl::mo_relaxed, $);       // W2
            fence_at("W3");                                     // W3
            if (!pinners.load(rl::mo_relaxed, $) || !is_pinned(s)) {    // W4
                return s;
            }
            stamp[s].store(old, release_at("W4"), $);           // W4
        }
    }

    void copier() {
        int seen = 0;
        for (int i = 0; i < reads; i++) {
            int w = latest.load(acquire_at("R1"), $);           // R1
            int k = number_of(w), s = slot_of(w);
            if (stamp[s].load(acquire_at("R2"), $) != 2 * k) {  // R2
                retries++;
                continue;
            }
            int one = first[s].load(rl::mo_relaxed, $);         // R3
            int two = second[s].load(rl::mo_relaxed, $);        // R3
            fence_at("R4");                                     // R4
            if (stamp[s].load(rl::mo_relaxed, $) != 2 * k) {    // R5
                retries++;
                continue;
            }
            check("copy_is_torn", one != k || two != k);
            check("copy_is_older", k < seen);
            seen = k;
            copies++;
        }
    }

    void viewer() {
        pinners.store(1, rl::mo_relaxed, $);                    // P1
        for (int i = 0; i < reads; i++) {
            int w = latest.load(acquire_at("P2"), $);           // P2
            int k = number_of(w), s = slot_of(w);
            pin.store(w, rl::mo_relaxed, $);                    // P3
            fence_at("P4");                                     // P4
            if (stamp[s].load(acquire_at("P5"), $) != 2 * k) {  // P5
                retries++;
                continue;
            }
            int one = first[s].load(rl::mo_relaxed, $), two = second[s].load(rl::mo_relaxed, $);
            check("held_value_is_torn", one != k || two != k);
            check("held_value_changed", first[s].load(rl::mo_relaxed, $) != k);
            holds++;
            pin.store(0, rl::mo_release, $);                    // P6
        }
    }
};

int main(int count, char **arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: orders SCHEDULES [STEP...]\n");
        return 2;
    }
    rl::test_params parameters;
    parameters.iteration_count = std::atol(arguments[1]);
    parameters.execution_depth_limit = 4000;
    without_order.insert(arguments + 2, arguments + count);
    bool held = rl::simulate<latest_channel>(parameters);
    if (!held && std::string(violation) == "none") {
        violation = "error";  // of relacy: a deadlock, a loop without an end
    }
    std::printf("%s: %ld schedules, %ld copies, %ld holds, %ld retries\n", held ? "holds" : violation,
                (long)parameters.stop_iteration, copies, holds, retries);
    return 0;
}
