using System.Globalization;
using System.Text;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>How pages are put together, whatever is in them.</summary>
public class MarkupTests
{
    [Fact]
    public void what_strings_bring_in_is_escaped_once_at_any_length_and_depth()
    {
        var random = new Random(3);
        string[] pieces = ["<", ">", "&", "\"", "'", "+", "plain", "ö", "日本", "😀", "\uD800", "\u202E", "\0", "\n"];
        for (var round = 0; round < 200; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 3000)).Select(_ => pieces[random.Next(pieces.Length)]));
            var escaped = HtmlText.Encode(text);
            var inner = Markup.Of($"<b>{text}</b>");
            var page = Markup.Of($"<i>{inner}|{round}|{Markup.Join([inner, Markup.Empty])}</i>");
            var want = $"<i><b>{escaped}</b>|{round}|<b>{escaped}</b></i>";
            Assert.Equal(want, page.ToString());
            Assert.Equal(want, page.Packed().ToString());
            var bytes = new byte[page.CountBytes()];
            Assert.Equal(bytes.Length, page.Write(bytes));
            Assert.Equal(Encoding.UTF8.GetBytes(want), bytes);
        }
    }

    [Fact]
    public void a_part_that_fails_spoils_no_later_page()
    {
        Assert.Throws<InvalidOperationException>(() => Markup.Of($"<b>{Markup.Of(_ => throw new InvalidOperationException())}</b>"));
        Assert.Equal("<b>1</b>", Markup.Of($"<b>{1}</b>").ToString());
    }

    [Fact]
    public void few_places_are_written_as_the_pattern_writes_them()
    {
        var random = new Random(5);
        string[] trimmed = ["0", "0.#", "0.##", "0.###", "0.####"],
            padded = ["0", "0.0", "0.00", "0.000", "0.0000"];
        double[] special = [0, -0.0, 1e11, -123.45, 0.004, -0.004, 999.9999, 1e13, -1e15];
        foreach (
            var value in special.Concat(
                Enumerable.Range(0, 5000).Select(_ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-4, 9)))
            )
        )
        {
            for (var places = 0; places <= 4; places++)
            {
                // Numbers so near to a half that its side is lost in the product are not among these.
                Assert.Equal(Pattern(value, trimmed[places]), new Rounded(value, places).ToString());
                Assert.Equal(Pattern(value, padded[places]), new Rounded(value, places, Padded: true).ToString());
            }
        }
        Assert.Equal("NaN", new Rounded(double.NaN, 2).ToString());

        // A zero has no sign on a page.
        static string Pattern(double value, string pattern) =>
            value.ToString(pattern, CultureInfo.InvariantCulture) is ['-', .. var digits] all && digits.Trim('0', '.') != ""
                ? all
                : value.ToString(pattern, CultureInfo.InvariantCulture).TrimStart('-');
    }

    [Fact]
    public void pages_are_kept_from_the_second_time_on_until_the_database_changes_and_only_as_many_as_there_is_room_for()
    {
        var cache = new PageCache(mostBytes: 64_000);
        Page Make(int feature) => new(Markup.Empty, Markup.Trusted($"{feature}".PadRight(1000)), "policy");
        PageKey Key(int feature) => new(1, feature, new());
        cache.Keep(Key(1), "a", Make(1));
        Assert.Null(cache.Find(Key(1), "a"));
        cache.Keep(Key(1), "a", Make(1));
        Assert.StartsWith("1 ", cache.Find(Key(1), "a")!.After.ToString());
        Assert.Null(cache.Find(Key(1), "b"));
        Assert.Null(cache.Find(new(1, 1, new() { Whole = true }), "a"));

        for (var feature = 2; feature < 200; feature++)
        {
            cache.Keep(Key(feature), "a", Make(feature));
            cache.Keep(Key(feature), "a", Make(feature));
            // What is looked at stays.
            Assert.NotNull(cache.Find(Key(1), "a"));
        }
        Assert.Equal(64, Enumerable.Range(1, 199).Count(feature => cache.Find(Key(feature), "a") is not null));
        Assert.NotNull(cache.Find(Key(199), "a"));
        Assert.Null(cache.Find(Key(2), "a"));

        cache.Keep(Key(5), "b", Make(5));
        Assert.Null(cache.Find(Key(199), "a"));
        Assert.Null(cache.Find(Key(199), "b"));
    }
}
