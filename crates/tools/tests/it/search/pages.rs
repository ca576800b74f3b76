//! What each service answers, as its documentation describes it, in words of ours: a page with a record, one without any.

/// A service's pages.
pub(super) struct Pages {
    pub(super) source: &'static str,
    /// Its first record is about "tidal locks", by "Ada Byron" where the service names authors.
    pub(super) full: &'static str,
    pub(super) empty: &'static str,
    /// Where the record is.
    pub(super) url: &'static str,
    /// What the record's text holds beside its title.
    pub(super) holds: &'static [&'static str],
    /// What the request holds.
    pub(super) asked: &'static [&'static str],
}

pub(super) const ARXIV: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom">
  <title>arXiv Query: search_query=all:tidal</title>
  <opensearch:totalResults>1</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2401.01234v2</id>
    <updated>2024-02-01T00:00:00Z</updated>
    <published>2024-01-03T18:00:00Z</published>
    <title>Tidal locks &amp; their
      moons</title>
    <summary>We measure 17 moons and find that a &lt; b holds for each.</summary>
    <author><name>Ada Byron</name><arxiv:affiliation>Nowhere</arxiv:affiliation></author>
    <author><name>Émilie du Châtelet</name></author>
    <arxiv:doi>10.5555/moons.17</arxiv:doi>
    <link href="http://arxiv.org/abs/2401.01234v2" rel="alternate" type="text/html"/>
    <category term="astro-ph.EP" scheme="http://arxiv.org/schemas/atom"/>
  </entry>
</feed>"#;

pub(super) const ARXIV_ERROR: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/api/errors#incorrect_id_format</id>
<title>Error</title><summary>incorrect id format</summary></entry></feed>"#;

const WEB_EMPTY: &str = r#"{"results":[]}"#;

pub(super) const ALL: &[Pages] = &[
    Pages {
        source: "wikipedia",
        full: r#"{"batchcomplete":true,"query":{"pages":[
            {"pageid":2,"ns":0,"title":"Moon","index":2,"extract":"A moon.","canonicalurl":"https://en.wikipedia.org/wiki/Moon"},
            {"pageid":1,"ns":0,"title":"Tidal locking","index":1,"extract":"A tidal lock turns one side to its partner.","touched":"2026-03-04T05:06:07Z","canonicalurl":"https://en.wikipedia.org/wiki/Tidal_locking_(orbit)"}]}}"#,
        empty: r#"{"batchcomplete":true}"#,
        url: "https://en.wikipedia.org/wiki/Tidal_locking_%28orbit%29",
        holds: &["turns one side", "Date: 2026-03-04"],
        asked: &[
            "/w/api.php?action=query",
            "gsrsearch=tidal+locks",
            "user-agent: mcp-orchestrator/",
            "(ops@example.org)",
        ],
    },
    Pages {
        source: "arxiv",
        full: ARXIV,
        empty: r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title></feed>"#,
        url: "https://arxiv.org/abs/2401.01234v2",
        holds: &[
            "Tidal locks & their moons",
            "17 moons and find that a < b",
            "Authors: Ada Byron, Émilie du Châtelet",
            "Date: 2024-01-03",
            "Identifier: arXiv:2401.01234v2, doi:10.5555/moons.17",
        ],
        asked: &["/api/query?search_query=all%3Atidal+AND+all%3Alocks&start=0&max_results=5"],
    },
    Pages {
        source: "crossref",
        full: r#"{"status":"ok","message-type":"work-list","message":{"total-results":1,"items":[
            {"DOI":"10.5555/tidal","URL":"https://doi.org/10.5555/tidal","title":["Tidal locks"],"abstract":"<jats:p>We show <jats:italic>nine</jats:italic> cases.</jats:p>",
             "author":[{"given":"Ada","family":"Byron","sequence":"first"},{"name":"The Moon Group"}],"issued":{"date-parts":[[2023,4]]},"container-title":["Journal of Moons"]},
            {"DOI":"10.5555/second","title":["A second one"],"issued":{"date-parts":[[null]]}}]}}"#,
        empty: r#"{"status":"ok","message":{"items":[]}}"#,
        url: "https://doi.org/10.5555/tidal",
        holds: &[
            "We show nine cases.",
            "Authors: Ada Byron, The Moon Group",
            "Date: 2023-04",
            "Identifier: doi:10.5555/tidal",
        ],
        asked: &["/works?query=What+are+tidal+locks%3F&rows=5", "mailto=ops%40example.org"],
    },
    Pages {
        source: "stack_overflow",
        full: r#"{"items":[{"item_type":"answer","title":"Tidal locks in &quot;Rust&quot;","question_id":7,"answer_id":9,"creation_date":1700000000,
            "body":"<p>Use <code>lock()</code> once.</p>","excerpt":"Use"},{"item_type":"question","title":"Other","question_id":8,"excerpt":"…"}],
            "has_more":false,"quota_max":300,"quota_remaining":299}"#,
        empty: r#"{"items":[],"has_more":false,"quota_max":300,"quota_remaining":12}"#,
        url: "https://stackoverflow.com/a/9",
        holds: &["Tidal locks in \"Rust\"", "Use lock() once.", "Date: 2023-11-14"],
        asked: &["/search/excerpts?site=stackoverflow", "q=tidal+locks"],
    },
    Pages {
        source: "github",
        full: r#"{"total_count":1,"incomplete_results":false,"items":[{"full_name":"byron/tidal-locks","html_url":"https://github.com/byron/tidal-locks",
            "description":"Locks as Vec<T> & more","pushed_at":"2026-01-02T03:04:05Z","stargazers_count":42,"language":"Rust","topics":["tides","moons"],
            "license":{"spdx_id":"MIT"},"owner":{"login":"byron"}}]}"#,
        empty: r#"{"total_count":0,"incomplete_results":false,"items":[]}"#,
        url: "https://github.com/byron/tidal-locks",
        holds: &[
            "Locks as Vec<T> & more",
            "Language: Rust. Licence: MIT. Stars: 42. Topics: tides, moons.",
            "2026-01-02 (last change)",
        ],
        asked: &["/search/repositories?q=tidal+locks", "x-github-api-version: 2022-11-28"],
    },
    Pages {
        source: "hacker_news",
        full: r#"{"hits":[{"objectID":"123","title":"Tidal locks","url":"https://example.org/tides","author":"byron","created_at":"2025-06-07T08:09:10Z","points":99},
            {"objectID":"124","story_title":"Tides","comment_text":"I doubt it.<p>Twice.","author":"x","created_at":"2025-06-08T00:00:00Z"}],"nbHits":2}"#,
        empty: r#"{"hits":[],"nbHits":0}"#,
        url: "https://news.ycombinator.com/item?id=123",
        holds: &["Points: 99.", "Links to https://example.org/tides", "Authors: byron", "Date: 2025-06-07"],
        asked: &["/search?query=tidal+locks&tags=%28story%2Ccomment%29"],
    },
    Pages {
        source: "openalex",
        full: r#"{"meta":{"count":1},"results":[{"id":"https://openalex.org/W1","doi":"https://doi.org/10.5555/oa","display_name":"Tidal locks","publication_date":"2022-02-02",
            "authorships":[{"author":{"display_name":"Ada Byron"}}],"abstract_inverted_index":{"moons":[1,3],"Some":[0],"orbit":[2]}}]}"#,
        empty: r#"{"meta":{"count":0},"results":[]}"#,
        url: "https://doi.org/10.5555/oa",
        holds: &["Some moons orbit moons", "Ada Byron", "doi:10.5555/oa"],
        asked: &["/works?search=tidal+locks", "api_key=the-key"],
    },
    Pages {
        source: "europe_pmc",
        full: r#"{"version":"6.9","hitCount":1,"resultList":{"result":[{"id":"123","source":"MED","pmid":"123","doi":"10.5555/pmc","title":"Tidal locks.",
            "authorString":"Byron A, Noether E.","abstractText":"<h4>Background</h4>The tide.","firstPublicationDate":"2021-05-06","pubYear":"2021"}]}}"#,
        empty: r#"{"hitCount":0,"resultList":{"result":[]}}"#,
        url: "https://europepmc.org/article/MED/123",
        holds: &["The tide.", "Authors: Byron A, Noether E", "Date: 2021-05-06", "doi:10.5555/pmc"],
        asked: &["/search?query=tidal+locks&format=json&resultType=core"],
    },
    Pages {
        source: "semantic_scholar",
        full: r#"{"total":1,"offset":0,"data":[{"paperId":"p","title":"Tidal locks","url":"https://www.semanticscholar.org/paper/p","abstract":"An abstract.",
            "authors":[{"authorId":"1","name":"Ada Byron"}],"year":2020,"publicationDate":null,"externalIds":{"ArXiv":"2001.00001"}}]}"#,
        empty: r#"{"total":0,"offset":0}"#,
        url: "https://www.semanticscholar.org/paper/p",
        holds: &["An abstract.", "Date: 2020", "arXiv:2001.00001"],
        asked: &["/paper/search?query=tidal+locks", "x-api-key: the-key"],
    },
    Pages {
        source: "open_library",
        full: r#"{"numFound":1,"docs":[{"key":"/works/OL1W","title":"Tidal locks","author_name":["Ada Byron"],"first_publish_year":1843,"subject":["Tides","Moons"],
            "first_sentence":["It turned."],"edition_count":3}]}"#,
        empty: r#"{"numFound":0,"docs":[]}"#,
        url: "https://openlibrary.org/works/OL1W",
        holds: &["It turned.", "Subjects: Tides, Moons.", "Editions: 3.", "1843 (first published)"],
        asked: &["/search.json?q=tidal+locks"],
    },
    Pages {
        source: "internet_archive",
        full: r#"{"responseHeader":{"status":0},"response":{"numFound":1,"start":0,"docs":[{"identifier":"tides1950","title":"Tidal locks","description":["A film.","In two parts."],
            "creator":"Ada Byron","date":"1950-01-01T00:00:00Z","mediatype":"movies"}]}}"#,
        empty: r#"{"response":{"numFound":0,"docs":[]}}"#,
        url: "https://archive.org/details/tides1950",
        holds: &["A film.", "In two parts.", "Kind: movies.", "Ada Byron"],
        asked: &["/advancedsearch.php?q=tidal+locks", "fl%5B%5D=identifier"],
    },
    Pages {
        source: "openverse",
        full: r#"{"result_count":1,"results":[{"id":"u-1","title":"Tidal locks","foreign_landing_url":"https://photos.example/1","creator":"Ada Byron","license":"by","license_version":"4.0",
            "tags":[{"name":"tide"}]}]}"#,
        empty: WEB_EMPTY,
        url: "https://photos.example/1",
        holds: &["the licence by 4.0", "Tags: tide.", "Ada Byron"],
        asked: &["/images/?q=tidal+locks&page_size=5"],
    },
    Pages {
        source: "wikidata",
        full: r#"{"searchinfo":{"search":"tidal"},"search":[{"id":"Q217012","label":"tidal locking","description":"what turns one side","concepturi":"http://www.wikidata.org/entity/Q217012"}],"success":1}"#,
        empty: r#"{"search":[],"success":1}"#,
        url: "https://www.wikidata.org/wiki/Q217012",
        holds: &["what turns one side", "wikidata:Q217012"],
        asked: &["action=wbsearchentities", "search=tidal+locks"],
    },
    Pages {
        source: "commons",
        full: r#"{"batchcomplete":true,"query":{"pages":[{"pageid":5,"ns":6,"title":"File:Tidal locks.svg","index":1,"imageinfo":[{"timestamp":"2019-01-01T00:00:00Z",
            "descriptionurl":"https://commons.wikimedia.org/wiki/File:Tidal_locks.svg","extmetadata":{"ImageDescription":{"value":"A <b>drawing</b>"},"Artist":{"value":"Ada Byron"},"LicenseShortName":{"value":"CC0"}}}]}]}}"#,
        empty: r#"{"batchcomplete":true}"#,
        url: "https://commons.wikimedia.org/wiki/File:Tidal_locks.svg",
        holds: &["A drawing", "Licence: CC0.", "Ada Byron"],
        asked: &["gsrnamespace=6"],
    },
    Pages {
        source: "gdelt",
        full: r#"{"articles":[{"url":"https://news.example/tides","title":"Tidal locks found","seendate":"20260304T120000Z","domain":"news.example","language":"English","sourcecountry":"Norway"}]}"#,
        empty: "{}",
        url: "https://news.example/tides",
        holds: &["A headline of news.example, Norway.", "Date: 2026-03-04"],
        asked: &["/doc/doc?query=tidal+locks&mode=artlist"],
    },
    Pages {
        source: "searxng",
        full: r#"{"query":"q","results":[{"url":"https://page.example/","title":"Tidal locks","content":"A snippet.","publishedDate":"2024-01-01T00:00:00"}],"answers":[]}"#,
        empty: WEB_EMPTY,
        url: "https://page.example/",
        holds: &["A snippet.", "Date: 2024-01-01"],
        asked: &["/search?q=What+are+tidal+locks%3F&format=json"],
    },
    Pages {
        source: "brave",
        full: r#"{"type":"search","web":{"type":"search","results":[{"title":"Tidal locks","url":"https://page.example/","description":"A <strong>snippet</strong>.","extra_snippets":["More."],"page_age":"2024-01-01T00:00:00"}]}}"#,
        empty: r#"{"type":"search","query":{"original":"x"}}"#,
        url: "https://page.example/",
        holds: &["A snippet.", "More."],
        asked: &["/web/search?q=", "x-subscription-token: the-key"],
    },
    Pages {
        source: "tavily",
        full: r#"{"query":"q","results":[{"title":"Tidal locks","url":"https://page.example/","content":"A snippet.","score":0.9}],"response_time":1.1}"#,
        empty: WEB_EMPTY,
        url: "https://page.example/",
        holds: &["A snippet."],
        asked: &["POST /search", "authorization: Bearer the-key", r#""max_results":5"#],
    },
    Pages {
        source: "exa",
        full: r#"{"requestId":"r","results":[{"title":"Tidal locks","url":"https://page.example/","publishedDate":"2024-01-01T00:00:00.000Z","author":"Ada Byron","text":"The page."}]}"#,
        empty: WEB_EMPTY,
        url: "https://page.example/",
        holds: &["The page.", "Ada Byron"],
        asked: &["POST /search", "x-api-key: the-key", r#""numResults":5"#],
    },
    Pages {
        source: "serper",
        full: r#"{"searchParameters":{"q":"x"},"organic":[{"title":"Tidal locks","link":"https://page.example/","snippet":"A snippet.","date":"Jan 1, 2024"}],"credits":1}"#,
        empty: r#"{"organic":[]}"#,
        url: "https://page.example/",
        holds: &["A snippet.", "Jan 1, 2024"],
        asked: &["POST /search", "x-api-key: the-key"],
    },
    Pages {
        source: "perplexity",
        full: r#"{"id":"i","results":[{"title":"Tidal locks","url":"https://page.example/","snippet":"A snippet.","date":"2024-01-01"}]}"#,
        empty: WEB_EMPTY,
        url: "https://page.example/",
        holds: &["A snippet.", "2024-01-01"],
        asked: &["POST /search", "authorization: Bearer the-key"],
    },
];
