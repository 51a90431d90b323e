/* The protocol of LATEST, with a writer that can be killed after each of its stores.

   Loads and stores take effect in program order here: weak_orders.py and orders.cpp are about other
   orders. The numbers in the comments (W2, R1, ...) are the steps of docs/channels.md.

   One process is every writer: T1 lets only one writer at a time work, so a killed writer and the
   next one are the same process, which begins again without its variables.
   Not modeled: T4 (epoch, pid, state), T5 and W7, W9, W10 (waking), length and shape. */

#ifndef SLOTS
#define SLOTS 3     /* slots of the channel: one more than "latest" and the pin need */
#endif
#ifndef VALUES
#define VALUES 4    /* the number of the last publish */
#endif
#ifndef KILLS
#define KILLS 2     /* how many writers are killed */
#endif
#ifndef READS
#define READS 2     /* how often the copying reader reads, and how often the viewer holds */
#endif

/* The word "latest": a slot and a number. */
#define WORD(slot, number) (((slot) << 4) | (number))
#define SLOT(word) ((word) >> 4)
#define NUMBER(word) ((word) & 15)

byte stamp[SLOTS];    /* 0 never used; 2k - 1 publish k is being written; 2k publish k is complete */
byte first[SLOTS];    /* a value is two words; */
byte second[SLOTS];   /* both words of publish k are k */
byte latest;          /* 0 nothing published */
byte pin;             /* 0, or the word "latest" whose slot the viewer holds */
bool pinners;         /* 1 = the viewer may have pinned */
byte kills;

/* Each is a violation. A check sets it and fails, so that the message of the checker has its name. */
bool copy_is_torn, copy_is_older, held_value_is_torn, held_value_changed, no_slot_is_free;

inline check(violation, wrong) { d_step { violation = (wrong); assert(!violation) } }

inline may_be_killed() { if :: kills < KILLS -> kills++; goto killed :: true fi }

proctype Writer() {
  byte k, newest, s, old;

take_over:
  atomic { k = NUMBER(latest); newest = SLOT(latest); s = 0 }              /* T2 */
  do
  :: s < SLOTS ->
     if
     :: stamp[s] == 2 * (k + 1) ->
        k++; newest = s; latest = WORD(s, k); may_be_killed(); break       /* T3 */
     :: else -> s++
     fi
  :: else -> break
  od;

  do
  :: k < VALUES ->
     k++; s = newest;
     do
     :: s = (s + 1) % SLOTS;                                               /* W1 */
        check(no_slot_is_free, s == newest);
        old = stamp[s]; stamp[s] = 2 * k - 1; may_be_killed();             /* W2, W3 */
        if
        :: pinners && pin != 0 && SLOT(pin) == s ->                        /* W4 */
           stamp[s] = old; may_be_killed()
        :: else -> break
        fi
     od;
     old = 0;
     first[s] = k; may_be_killed();                                        /* W5 */
     second[s] = k; may_be_killed();                                       /* W5 */
     stamp[s] = 2 * k; may_be_killed();                                    /* W6 */
     latest = WORD(s, k); newest = s; may_be_killed()                      /* W8 */
  :: else -> goto done
  od;

killed:
  atomic { k = 0; newest = 0; s = 0; old = 0 };
  goto take_over;
done:
  atomic { k = 0; newest = 0; s = 0 }
}

proctype Copier() {
  byte w, one, two, seen, reads;

  do
  :: reads < READS ->
     reads++;
     w = latest;                                                           /* R1 */
     if
     :: w != 0 && stamp[SLOT(w)] == 2 * NUMBER(w) ->                       /* R2 */
        one = first[SLOT(w)]; two = second[SLOT(w)];                       /* R3, R4 */
        if
        :: stamp[SLOT(w)] == 2 * NUMBER(w) ->                              /* R5 */
           check(copy_is_torn, one != NUMBER(w) || two != NUMBER(w));
           check(copy_is_older, NUMBER(w) < seen);
           seen = NUMBER(w)
        :: else
        fi
     :: else
     fi;
     atomic { w = 0; one = 0; two = 0 }
  :: else -> break
  od;
  seen = 0
}

proctype Viewer() {
  byte w, one, two, holds;

  pinners = true;                                                          /* P1 */
  do
  :: holds < READS ->
     holds++;
     w = latest;                                                           /* P2 */
     if
     :: w != 0 ->
        pin = w;                                                           /* P3, P4 */
        if
        :: stamp[SLOT(w)] == 2 * NUMBER(w) ->                              /* P5 */
           one = first[SLOT(w)]; two = second[SLOT(w)];
           check(held_value_is_torn, one != NUMBER(w) || two != NUMBER(w));
           one = first[SLOT(w)];
           check(held_value_changed, one != NUMBER(w))
        :: else
        fi;
        pin = 0                                                            /* P6 */
     :: else
     fi;
     atomic { w = 0; one = 0; two = 0 }
  :: else -> break
  od
}

init { atomic { run Writer(); run Copier(); run Viewer() } }
