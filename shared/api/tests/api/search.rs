//! Searches over HTTP.

use taskbell_domain::text::Description;
use taskbell_test::fixtures::draft;

use crate::support::World;

/// A text, percent-encoded for a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn search_matches_base_letters_and_distinguishes_different_letters() {
    let (world, ada, task) = World::seeded().await;
    let titles = ["đường", "Smørrebrød", "கோட", "กิน", "Hauptstraße", "кий"];
    for (number, title) in (2..).zip(titles) {
        world.create(number, &ada, draft(title)).await;
    }
    let mut described = draft("something");
    described.description = Description::parse("Tháp chuông").expect("a text");
    world.create(20, &ada, described).await;
    let event = world.event("list-tasks", &ada, &task).await;
    for (term, found) in [
        ("duong", vec!["đường"]),
        ("ĐUONG", vec!["đường"]),
        ("smorrebrod", vec!["Smørrebrød"]),
        ("கட", vec![]),
        ("கோட", vec!["கோட"]),
        ("กน", vec![]),
        ("STRASSE", vec!["Hauptstraße"]),
        ("кии", vec![]),
        ("КИЙ", vec!["кий"]),
        ("thap chuong", vec!["something"]),
    ] {
        let query = format!("sort=created&q={}", encoded(term));
        let page = world.send(&event.clone().query(&query)).await.body;
        let items = page["items"].as_array().expect("items").iter();
        assert_eq!(items.map(|task| task["title"].clone()).collect::<Vec<_>>(), found, "{term}");
    }
    for empty in ["\u{301}", "\u{200b}"] {
        let refused = world.send(&event.clone().query(&format!("q={}", encoded(empty)))).await;
        assert_eq!((refused.status, refused.errors()), (422, vec![("q", "too_short")]));
    }
}
