//! Tests of the guard: its rule, its layout, and arbitrary bytes in its place.

use proptest::prelude::*;

use super::super::{Disk, SimDisk};
use super::*;

const GENESIS: [u8; 32] = [7; 32];

fn mark(height: u64, round: u32, step: SignedStep, digest: u8) -> GuardMark {
    GuardMark {
        height,
        round,
        step,
        digest: [digest; 32],
    }
}

fn open(disk: &Arc<dyn Disk>) -> Result<Guard, StoreError> {
    Guard::open(disk, &GENESIS, &Latch::default())
}

fn new_guard() -> (Arc<dyn Disk>, Guard) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    Guard::create(&disk, &GENESIS, &Latch::default()).unwrap();
    let guard = open(&disk).unwrap();
    (disk, guard)
}

#[test]
fn the_guard_goes_up_and_never_back_nor_sideways() {
    use SignedStep::{Precommit, Prevote, Proposal};
    let (disk, mut guard) = new_guard();
    let upward = [
        mark(1, 0, Proposal, 1),
        mark(1, 0, Prevote, 2),
        mark(1, 0, Precommit, 3),
        mark(1, 1, Prevote, 1),
        mark(2, 0, Prevote, 1),
        mark(2, 7, Proposal, 1),
        mark(9, 0, Proposal, 1),
    ];
    for (position, asked) in upward.iter().enumerate() {
        guard.record(*asked).unwrap();
        guard.record(*asked).unwrap();
        let other = GuardMark {
            digest: [99; 32],
            ..*asked
        };
        let refused = guard.record(other).unwrap_err();
        assert!(
            matches!(refused, StoreError::SignedOther { .. }),
            "{refused}"
        );
        for earlier in &upward[..position] {
            let refused = guard.record(*earlier).unwrap_err();
            assert!(
                matches!(refused, StoreError::SignedLater { .. }),
                "{refused}"
            );
        }
        assert_eq!(open(&disk).unwrap().last(), Some(*asked));
    }
}

#[test]
fn the_slot_layout_is_frozen() {
    let (disk, mut guard) = new_guard();
    guard.record(mark(1, 2, SignedStep::Prevote, 0xAB)).unwrap();
    guard
        .record(mark(0x0102_0304_0506_0708, 9, SignedStep::Precommit, 0xCD))
        .unwrap();
    let file = disk.open(GUARD_FILE).unwrap();
    let mut text = String::new();
    for offset in [0, SLOT_SPACING] {
        let mut slot = vec![0; SLOT_SIZE];
        file.read(offset, &mut slot).unwrap();
        text += &slot
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        text.push('\n');
    }
    assert_eq!(file.len().unwrap(), FILE_SIZE);
    assert_eq!(
        text,
        include_str!("../../tests/golden/store/guard_slots.hex")
    );
}

#[test]
fn a_spoilt_newer_slot_leaves_the_older_and_two_spoilt_slots_are_refused() {
    let disk = SimDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    Guard::create(&shared, &GENESIS, &Latch::default()).unwrap();
    let mut guard = open(&shared).unwrap();
    let (first, second) = (
        mark(1, 0, SignedStep::Prevote, 1),
        mark(1, 0, SignedStep::Precommit, 2),
    );
    guard.record(first).unwrap();
    guard.record(second).unwrap();
    disk.flip_bit(GUARD_FILE, 50);
    assert_eq!(open(&shared).unwrap().last(), Some(first));
    disk.flip_bit(GUARD_FILE, SLOT_SPACING + 128);
    let error = open(&shared).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("signed.guard"), "{error}");
}

#[test]
fn a_later_format_is_named() {
    let (disk, _) = new_guard();
    let file = disk.open(GUARD_FILE).unwrap();
    file.write(8, &2u32.to_be_bytes()).unwrap();
    let error = open(&disk).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::NewerVersion {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_panic_the_guard(
        bytes in proptest::collection::vec(any::<u8>(), 0..9000),
        keep_head in any::<bool>(),
    ) {
        let (disk, _) = new_guard();
        let file = disk.open(GUARD_FILE).unwrap();
        let offset = if keep_head { 12 } else { 0 };
        file.set_len(offset).unwrap();
        file.write(offset, &bytes).unwrap();
        if let Ok(mut guard) = open(&disk) {
            let _ = guard.record(mark(u64::MAX, 0, SignedStep::Proposal, 1));
        }
    }

    #[test]
    fn any_order_of_marks_leaves_the_highest_accepted(
        marks in proptest::collection::vec((0u64..4, 0u32..3, 0u8..3, 0u8..2), 1..40),
    ) {
        let (disk, mut guard) = new_guard();
        let mut last: Option<GuardMark> = None;
        for (height, round, step, digest) in marks {
            let step = SignedStep::from_code(step + 1).unwrap();
            let asked = mark(height, round, step, digest);
            let allowed = last.is_none_or(|last| asked.place() > last.place() || asked == last);
            prop_assert_eq!(guard.record(asked).is_ok(), allowed);
            if allowed {
                last = Some(asked);
            }
        }
        prop_assert_eq!(open(&disk).unwrap().last(), last);
    }
}

#[test]
fn a_guard_that_is_not_consulted_is_noticed() {
    mutation::assert_noticed(&[(
        Mutation::GuardUnread,
        the_guard_goes_up_and_never_back_nor_sideways,
    )]);
}
