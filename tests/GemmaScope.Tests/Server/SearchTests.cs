using System.Net;
using System.Text.RegularExpressions;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The search as a page: what was found, and why.</summary>
public partial class SearchTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private static async Task<string> Page(WholeServer server, string path)
    {
        using var client = new HttpClient { BaseAddress = server.Address, Timeout = Patience.Limit };
        return await client.GetStringAsync(path);
    }

    /// <summary>What is said of a feature that was found: name and reason, with marks alone of all tags.</summary>
    private static string Hit(string page, int feature) =>
        WebUtility.HtmlDecode(
            Tags().Replace(Items().Matches(page).Select(item => item.Value).First(item => item.Contains($"#{feature}<")), "")
        );

    [Fact]
    public async Task every_hit_says_where_the_words_stand_and_marks_them()
    {
        await using var server = await WholeServer.Start(guard);
        var stored = server.Features.Dictionaries().Single();
        server.Features.AddLabels(
            stored,
            [
                (1, new FeatureLabel("Érable trees & tulips", "someone", "by hand", 0.9, null)),
                (2, new FeatureLabel("tokens: \"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"gnu\"", "rules", "rules", 0.9, null)),
            ]
        );
        // The name is the label.
        Assert.Matches(@"#0 <mark>cats</mark> 0\s+in its label\s+25 %", Hit(await Page(server, "/search?q=cats"), 0));
        // Accents and case are no difference; letters of codes are no words.
        Assert.Matches(@"#1 <mark>Érable</mark> trees & tulips\s+in its label", Hit(await Page(server, "/search?q=ERAB"), 1));
        Assert.DoesNotContain("<mark>", await Page(server, "/search?q=amp"));
        // Of a name that is another label, and of one that is too long to be read to the end.
        Assert.Matches(@"in another label <mark>cats</mark>", Hit(await Page(server, "/search?q=cats"), 1));
        Assert.Matches(@"in its label <mark>gnu</mark>", Hit(await Page(server, "/search?q=gnu"), 2));
        // Tokens and promoted words.
        var dog = Hit(await Page(server, "/search?q=do"), 0);
        Assert.Matches(@"^\s*#0 cats 0\s+among its words <mark>dog</mark>", dog[dog.IndexOf('#')..]);
        Assert.Matches(@"promotes <mark>cat</mark>", Hit(await Page(server, "/search?q=cat"), 0));
    }

    [Fact]
    public async Task hits_of_several_dictionaries_stand_under_their_titles_and_one_can_be_chosen()
    {
        await using var server = await WholeServer.Start(guard);
        WholeServer.Write(server.Features, "other", 5);
        var page = await Page(server, "/search?q=cats");
        var titles = Headings().Matches(page).Select(heading => heading.Groups[1].Value).ToArray();
        Assert.Equal(["layer 0 · tiny · 5", "layer 3 · residual · 2k"], titles.Order());
        Assert.Equal(6, Items().Count(page));
        var only = OnlyHere().Matches(page).Select(link => WebUtility.HtmlDecode(link.Groups[1].Value)).ToArray();
        Assert.Equal(2, only.Length);
        foreach (var address in only)
        {
            var one = await Page(server, address);
            Assert.Equal(3, Items().Count(one));
            Assert.Single(Headings().Matches(one));
            Assert.Contains("selected>layer", one);
        }
        // The choice of the form names model and dictionary together.
        Assert.Equal(3, Items().Count(await Page(server, $"/search?q=cats&dict={WholeServer.Model}/other")));
    }

    [Fact]
    public async Task whoever_finds_nothing_is_told_what_to_try()
    {
        await using var server = await WholeServer.Start(guard);
        server.Features.AddLabels(
            server.Features.Dictionaries().Single(),
            [(0, new FeatureLabel("a kitten plays", "me", "by hand", 1, null))]
        );
        var page = await Page(server, $"/search?q=zzzzzz+cats&model={WholeServer.Model}&dict={server.Dictionary}");
        foreach (
            var (address, says) in ((string, string)[])
                [
                    ("/search?q=zzzzzz%20cats", "in all dictionaries"),
                    ("/search?q=cats", "only “cats”"),
                    ("/?q=zzzzzz%20cats", "which features fire on “zzzzzz cats”"),
                    ("/search?q=kitten", "kitten"),
                ]
        )
            Assert.Contains($"<a href=\"{address}\">{says}</a>", WebUtility.HtmlDecode(page));
        Assert.Contains("<a href=\"/search?q=zzzz\">", await Page(server, "/search?q=zzzzzz"));
        Assert.Contains("/search?q=kitten", await Page(server, "/search"));
    }

    [Fact]
    public void marks_stand_in_text_and_never_in_tags_or_codes()
    {
        var marks = new SearchMarks("a quot href span");
        Assert.Equal(
            "<a href=\"/a?quot=1\"><mark>a</mark> &quot;<mark>Ápple</mark>&quot; b&#x27;<mark>a</mark></a> <span class=\"a\"><mark>SPANS</mark></span>",
            marks.In(Markup.Of($"<a href=\"/a?quot=1\">{"a \"Ápple\" b'a"}</a> <span class=\"a\">{"SPANS"}</span>")).ToString()
        );
        Assert.Equal("a", new SearchMarks("…!").In(Markup.Of($"{"a"}")).ToString());
    }

    [GeneratedRegex("<li>(?:(?!</li>).)*class=\"why\".*?</li>", RegexOptions.Singleline)]
    private static partial Regex Items();

    [GeneratedRegex("<(?!/?mark>)[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex("<section class=\"hits\"><h2><a [^>]*>([^<]*)</a>")]
    private static partial Regex Headings();

    [GeneratedRegex("<a href=\"([^\"]*)\">only here</a>")]
    private static partial Regex OnlyHere();
}
