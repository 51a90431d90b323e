/* The protocol of QUEUE: consumers register at any time, read in place, and can be killed after each
   of their stores; so can the writer.

   Loads and stores take effect in program order here: weak_orders.py is about other orders. The
   numbers in the comments (W2, C1, G1, ...) are the steps of docs/channels.md.

   Publish k has slot k mod SLOTS. A lock of an entry is the kernel's: it is free when its owner is
   dead. One process is every writer, as in latest.pml.
   Not modeled: waking (G2 to G6, C4, C5, W7, W9, W10), T4, T5; a process that waits goes on as soon as
   it can. */

#ifndef SLOTS
#define SLOTS 1         /* a real channel has at least 2; 1 needs the fewest publishes */
#endif
#ifndef ENTRIES
#define ENTRIES 2       /* reader entries; there are as many consumers at a time */
#endif
#ifndef VALUES
#define VALUES 3        /* the number of the last publish */
#endif
/* With KEEPS_LOWEST the writer keeps the lowest cursor, and looks at the cursors only when the next slot
   is beyond it. */
#ifndef REGISTRATIONS
#define REGISTRATIONS 2 /* how often consumers register, together */
#endif
#ifndef KILLS
#define KILLS 1         /* how many consumers are killed */
#endif
#ifndef WRITER_KILLS
#define WRITER_KILLS 1  /* how many writers are killed */
#endif

byte stamp[SLOTS];    /* 0 never used; 2k - 1 publish k is being written; 2k publish k is complete */
byte value[SLOTS];    /* the value of publish k is k */
byte latest;          /* the number of the newest publish */
byte cursor[ENTRIES]; /* the last number that the consumer is done with */
byte mode[ENTRIES];   /* 0 free; 2 consumer */
bool lock[ENTRIES];   /* the kernel's lock of the entry */
bool closed;
byte registrations, kills, writer_kills;

/* Each is a violation. A check sets it and fails, so that the message of the checker has its name. */
bool value_is_missing, value_is_wrong, value_changed;

inline check(violation, wrong) { d_step { violation = (wrong); assert(!violation) } }

inline may_be_killed() { if :: kills < KILLS -> kills++; goto killed :: true fi }

inline writer_may_be_killed() {
  if :: writer_kills < WRITER_KILLS -> writer_kills++; goto killed :: true fi
}

/* The consumer of entry e still needs the value in the slot of publish k. */
#define BEHIND(e, k) (mode[e] == 2 && (k) > SLOTS && cursor[e] < (k) - SLOTS)

proctype Writer() {
  byte k, e;
#ifdef KEEPS_LOWEST
  byte lowest;          /* the lowest cursor at the last look */
#endif

take_over:
  k = latest;                                                              /* T2 */
  if
  :: stamp[(k + 1) % SLOTS] == 2 * (k + 1) ->
     k++; latest = k                                                      /* T3 */
  :: else
  fi;

  do
  :: k < VALUES ->
     k++;
#ifdef KEEPS_LOWEST
     if :: k <= lowest + SLOTS -> goto passed :: else fi;
gate:
     lowest = k - 1;
#else
gate:
#endif
     e = 0;
     do
     :: e < ENTRIES ->
        if
        :: BEHIND(e, k) -> break                                           /* G1 */
#ifdef KEEPS_LOWEST
        :: !BEHIND(e, k) && mode[e] == 2 && cursor[e] < lowest ->
           lowest = cursor[e]; e++
#endif
        :: else -> e++
        fi
     :: else -> break
     od;
     if
     :: e < ENTRIES ->
        if
        :: !BEHIND(e, k)                                                   /* G1 */
        :: atomic { !lock[e] -> lock[e] = true };                          /* G7 */
           mode[e] = 0;                                                    /* G7 */
           lock[e] = false                                                 /* G7 */
        fi;
        goto gate
     :: else
     fi;
#ifdef KEEPS_LOWEST
passed:
#endif
     e = 0;
     stamp[k % SLOTS] = 2 * k - 1; writer_may_be_killed();                 /* W2, W3 */
     value[k % SLOTS] = k; writer_may_be_killed();                         /* W5 */
     stamp[k % SLOTS] = 2 * k; writer_may_be_killed();                     /* W6 */
     latest = k; writer_may_be_killed()                                    /* W8 */
  :: else -> goto done
  od;

killed:
  k = 0;
#ifdef KEEPS_LOWEST
  lowest = 0;
#endif
  goto take_over;
done:
  atomic { closed = true; k = 0 }
}

proctype Consumer() {
  byte e, seen;

register:
  if
  :: registrations < REGISTRATIONS -> registrations++
  :: else -> goto done
  fi;
  e = 0;
  do
  :: e < ENTRIES ->
     if
     :: atomic { !lock[e] -> lock[e] = true }; break
     :: lock[e] -> e++
     fi
  :: else -> goto done
  od;
  cursor[e] = latest; may_be_killed();
  mode[e] = 2; may_be_killed();
  cursor[e] = latest; seen = cursor[e]; may_be_killed();       /* the second look at "latest" */
  do
  :: latest > seen ->
     seen++;                                                               /* C1 */
     check(value_is_missing, stamp[seen % SLOTS] != 2 * seen);             /* C2 */
     check(value_is_wrong, value[seen % SLOTS] != seen);
     check(value_changed, value[seen % SLOTS] != seen);
     cursor[e] = seen; may_be_killed()                                     /* C3 */
  :: latest == seen ->
     mode[e] = 0; may_be_killed();
     lock[e] = false;
     if
     :: closed -> goto done
     :: !closed -> seen = 0; goto register
     fi
  od;

killed:
  atomic { lock[e] = false; seen = 0 };
  goto register;
done:
  atomic { e = 0; seen = 0 }
}

init { atomic { run Writer(); run Consumer(); run Consumer() } }
