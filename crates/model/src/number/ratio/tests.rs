use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn ratio(num: i128, den: i128) -> Ratio {
    Ratio::new(num, den).unwrap()
}

#[rstest]
// 29 pages in 28 days against a squad median of 7 (R13, R33).
#[case(29, 4, 1, "7.2")]
#[case(7, 4, 1, "1.8")]
#[case(29, 7, 1, "4.1")]
#[case(29, 7, 2, "4.14")]
#[case(1, 2, 0, "0")]
#[case(3, 2, 0, "2")]
#[case(5, 2, 0, "2")]
#[case(-5, 2, 0, "-2")]
#[case(-1, 25, 1, "0.0")]
#[case(-3, 20, 1, "-0.2")]
#[case(999, 100, 1, "10.0")]
#[case(1, 3, 6, "0.333333")]
#[case(2, 3, 6, "0.666667")]
#[case(100, 1, 2, "100.00")]
fn people_see_half_to_even(#[case] num: i128, #[case] den: i128, #[case] decimals: u32, #[case] shown: &str) {
    assert_eq!(ratio(num, den).round_half_even(decimals), shown);
}

#[test]
fn percent_is_a_hundred_times_the_ratio() {
    // A sprint of 30 points with +5, -3 and a re-estimate of +2.
    assert_eq!(ratio(10, 30).percent(0), "33");
    assert_eq!(ratio(1, 200).percent(0), "0");
    assert_eq!(ratio(3, 200).percent(0), "2");
    assert_eq!(ratio(995, 1000).percent(1), "99.5");
    assert_eq!(ratio(LIMIT as i128, 1).percent(0), format!("{LIMIT}00"));
}

#[rstest]
#[case(29, 7, "29/7")]
#[case(29, 4, "7.25")]
#[case(-29, 4, "-7.25")]
#[case(42, 6, "7")]
#[case(0, 5, "0")]
#[case(1, 1_000_000_000_000, "0.000000000001")]
#[case(1, 10_000_000_000_000, "1/10000000000000")]
fn exact_text_loses_nothing(#[case] num: i128, #[case] den: i128, #[case] shown: &str) {
    assert_eq!(ratio(num, den).exact(), shown);
    assert_eq!(Ratio::parse(shown).unwrap(), ratio(num, den));
}

#[rstest]
#[case("")]
#[case("1/0")]
#[case("a")]
#[case("1.")]
#[case("-")]
#[case("1.-5")]
#[case("1e3")]
#[case("1/2/3")]
fn text_that_is_no_ratio_is_refused(#[case] text: &str) {
    assert!(Ratio::parse(text).is_err());
}

#[test]
fn a_typed_value_is_the_decimal_that_was_typed() {
    let typed = crate::Decimal::from_f64(14.57).unwrap();
    assert_eq!(Ratio::from(typed), ratio(1457, 100));
    assert_eq!(Ratio::from(Points::from_f64(3.5).unwrap()), ratio(7, 2));
}

#[test]
fn a_projection_through_the_baseline_is_exact() {
    // NPS at the end of week 6 of 13: from 14.57 to 18 projects 22, from 0 it projects 39.
    let project = |baseline: Ratio, value: i64| {
        let way = Ratio::int(value).checked_sub(baseline).unwrap();
        baseline.checked_add(way.checked_mul(ratio(13, 6)).unwrap()).unwrap()
    };
    assert_eq!(project(Ratio::parse("14.57").unwrap(), 18).round_half_even(0), "22");
    assert_eq!(project(Ratio::ZERO, 18), Ratio::int(39));
}

#[test]
fn what_does_not_fit_is_none_and_never_wrong() {
    let huge = ratio(LIMIT as i128, 1);
    assert_eq!(Ratio::new(i128::MAX, 1), None);
    assert_eq!(Ratio::new(i128::MIN, i128::MIN), Some(Ratio::ONE));
    assert_eq!(Ratio::new(1, 0), None);
    assert_eq!(huge.checked_add(Ratio::ONE), None);
    assert_eq!(huge.checked_mul(Ratio::int(2)), None);
    assert_eq!(Ratio::ONE.checked_div(Ratio::ZERO), None);
    assert_eq!(huge.checked_div(huge), Some(Ratio::ONE));
}

#[test]
fn order_needs_no_product_that_fits() {
    let limit = LIMIT as i128;
    let (below, above) = (ratio(limit - 1, limit), ratio(limit, limit - 1));
    assert!(below < Ratio::ONE && Ratio::ONE < above && below < above);
    assert!(-above < -below && -below < above);
    // Neighbours whose cross products need 240 bits.
    assert!(ratio(limit - 3, limit - 1) < ratio(limit - 2, limit));
}

/// Ratios of the size rules meet, and of the size they never should.
fn any_ratio() -> impl Strategy<Value = Ratio> {
    let small = (-1_000_i128..1_000, 1_i128..200);
    let large = (-(LIMIT as i128)..LIMIT as i128, 1..LIMIT as i128);
    prop_oneof![3 => small, 1 => large].prop_map(|(num, den)| ratio(num, den))
}

proptest! {
    #[test]
    fn sums_and_products_obey_their_laws(a in any_ratio(), b in any_ratio(), c in any_ratio()) {
        prop_assert_eq!(a.checked_add(b), b.checked_add(a));
        prop_assert_eq!(a.checked_mul(b), b.checked_mul(a));
        if let (Some(left), Some(right)) = (a.checked_add(b), b.checked_add(c))
            && let (Some(left), Some(right)) = (left.checked_add(c), a.checked_add(right)) {
            prop_assert_eq!(left, right);
        }
        if let (Some(ab), Some(ac), Some(bc)) = (a.checked_mul(b), a.checked_mul(c), b.checked_add(c))
            && let (Some(spread), Some(whole)) = (ab.checked_add(ac), a.checked_mul(bc)) {
            prop_assert_eq!(spread, whole);
        }
    }

    #[test]
    fn subtraction_and_division_undo(a in any_ratio(), b in any_ratio()) {
        if let Some(back) = a.checked_add(b).and_then(|sum| sum.checked_sub(b)) {
            prop_assert_eq!(back, a);
        }
        if !b.is_zero() && let Some(back) = a.checked_mul(b).and_then(|product| product.checked_div(b)) {
            prop_assert_eq!(back, a);
        }
        prop_assert_eq!(a.checked_sub(a), Some(Ratio::ZERO));
        prop_assert_eq!(a.checked_add(-a), Some(Ratio::ZERO));
    }

    #[test]
    fn order_is_the_sign_of_the_difference(a in any_ratio(), b in any_ratio(), c in any_ratio()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b), (-b).cmp(&-a));
        prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        prop_assert!(!(a <= b && b <= c) || a <= c);
        if let Some(difference) = a.checked_sub(b) {
            prop_assert_eq!(a.cmp(&b), difference.cmp(&Ratio::ZERO));
        }
    }

    #[test]
    fn the_slow_order_agrees_with_the_quick_one(a in 0_u128..5_000, b in 1_u128..500, c in 0_u128..5_000, d in 1_u128..500) {
        prop_assert_eq!(compare(a, b, c, d), (a * d).cmp(&(c * b)));
    }

    #[test]
    fn a_ratio_is_in_lowest_terms(num in -10_000_i128..10_000, den in 1_i128..10_000, times in 1_i128..1_000) {
        let built = ratio(num * -times, den * -times);
        prop_assert_eq!(built, ratio(num, den));
        prop_assert!(built.den() > 0);
        prop_assert_eq!(gcd(built.num().unsigned_abs(), built.den().unsigned_abs()), 1);
    }

    #[test]
    fn rounding_is_off_by_half_a_place_at_most_and_ties_are_even(a in any_ratio(), decimals in 0_u32..6) {
        let shown = Ratio::parse(&a.round_half_even(decimals));
        if let Ok(shown) = shown
            && let Some(off) = a.checked_sub(shown) {
            let half = ratio(1, 2 * 10_i128.pow(decimals));
            prop_assert!(off.abs() <= half);
            if off.abs() == half {
                let last = a.round_half_even(decimals).bytes().next_back().unwrap();
                prop_assert_eq!((last - b'0') % 2, 0);
            }
        }
    }

    #[test]
    fn exact_text_reads_back(a in any_ratio()) {
        prop_assert_eq!(Ratio::parse(&a.exact()).unwrap(), a);
    }
}

proptest! {
    #[test]
    fn small_parts_are_shown_as_large_ones_are(num in any::<i32>(), den in 1..200_000_i128, decimals in 0..7_u32) {
        let small = ratio(i128::from(num), den);
        prop_assert_eq!(small.round_half_even(decimals), small.round_digit_by_digit(decimals));
    }

    #[test]
    fn a_fraction_that_ends_is_written_out(
        num in any::<i64>(),
        twos in 0..16_u32,
        fives in 0..16_u32,
        other in prop::sample::select(vec![1_i128, 3, 7]),
    ) {
        let read = ratio(i128::from(num), 2_i128.pow(twos) * 5_i128.pow(fives) * other);
        let shown = read.exact();
        prop_assert_eq!(Ratio::parse(&shown).unwrap(), read);
        let ends = (1..=12).any(|places| 10_i128.pow(places) % read.den() == 0);
        prop_assert_eq!(shown.contains('/'), !ends, "{}", shown);
    }
}
