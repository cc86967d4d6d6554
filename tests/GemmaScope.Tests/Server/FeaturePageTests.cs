using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Behaviour;
using GemmaScope.Features.Exchange;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The page of a feature and the table of a dictionary: what stands where, and what it says.</summary>
public class FeaturePageTests(MicroscopeServer server)
{
    private const string Dictionary = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";

    private static readonly HttpClient Client = new() { Timeout = Patience.Limit };

    private async Task<string> Page(string path) => await Client.GetStringAsync(new Uri(await server.Address(), path));

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    /// <summary>Features of which a query finds some, as lines of the table.</summary>
    private async Task<int[]> Listed(string query) =>
        [
            .. Regex
                .Matches(await Page(Dictionary + query), @"<td class=""index""><a [^>]*>#(\d+)")
                .Select(match => int.Parse(match.Groups[1].Value)),
        ];

    [Fact]
    public async Task what_can_be_tried_stands_before_the_examples_and_the_plots_behind_them()
    {
        var page = await Page($"{Dictionary}/{await server.Labelled()}");
        var places = (
            (string[])
                [
                    "<h1",
                    "class=\"key\"",
                    "class=\"axis\"",
                    "id=\"test\"",
                    "id=\"steering\"",
                    "id=\"effect\"",
                    "id=\"examples\"",
                    "<figure",
                    "class=\"relatives\"",
                ]
        )
            .Select(part => page.IndexOf(part, StringComparison.Ordinal))
            .ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public async Task examples_stand_in_tabs_that_are_links_and_alike_ones_are_one()
    {
        var (feature, source) = (await server.Labelled(), (await server.Database()).Source(await server.Stored()));
        var one = (await server.Database()).Page(await server.Stored(), feature)!.Feature.Dashboard;
        var first = await Page($"{Dictionary}/{feature}");
        var tabs = Regex
            .Matches(first.Split("class=\"tabs\"")[1].Split("</nav>")[0], "<a href=\"([^\"]+)\"[^>]*>")
            .Select(tab => WebUtility.HtmlDecode(tab.Groups[1].Value))
            .ToArray();
        var groups = one.Examples.GroupBy(example => example.Interval).ToArray();
        Assert.Equal(groups.Length, tabs.Length);
        Assert.True(groups.Length > 1);
        foreach (var (tab, group) in tabs.Zip(groups))
        {
            var part = (await Page(tab)).Split("id=\"examples\"")[1].Split("</section>")[0];
            Assert.Contains($"<a href=\"{WebUtility.HtmlEncode(tab)}\" data-in-place=\"examples\" aria-current=\"true\"", part);
            Assert.Single(Regex.Matches(part, "aria-current"));
            Assert.Equal(
                group.Select(example => FormattableString.Invariant($"{example.Values[example.Position]:0.0}")).Order(),
                Regex.Matches(part, "class=\"peak\">([^<]+)").Select(peak => peak.Groups[1].Value).Order()
            );
            Assert.Equal(
                ExampleGroup.Of(group, source.Piece).Where(like => like.Alike.Count > 0).Select(like => $"and {like.Alike.Count} like it"),
                Regex.Matches(part, "and \\d+ like it").Select(match => match.Value)
            );
        }
        Assert.Equal(first, await Page($"{Dictionary}/{feature}?examples=nonsense"));
    }

    [Fact]
    public async Task a_tab_keeps_what_was_tested_and_whether_passages_are_whole()
    {
        var page = await Page($"{Dictionary}/{await server.Labelled()}?test=The+cat&whole=true");
        Assert.All(
            Regex.Matches(page.Split("class=\"tabs\"")[1].Split("</nav>")[0], "href=\"([^\"]+)\""),
            tab =>
            {
                Assert.Contains("test=The%20cat", tab.Value);
                Assert.Contains("whole=true", tab.Value);
            }
        );
    }

    [Fact]
    public async Task promoted_words_grow_to_the_right_and_suppressed_ones_to_the_left_in_another_colour()
    {
        var one = (await server.Database()).Page(await server.Stored(), await server.Labelled())!.Feature.Dashboard.Logits!;
        var largest = Math.Max(Math.Abs(one.Minimum), Math.Abs(one.Maximum));
        var page = await Page($"{Dictionary}/{await server.Labelled()}");
        string Words(string side) => page.Split($"<table class=\"words {side}\">")[1].Split("</table>")[0];
        var up = Regex.Matches(Words("up"), "<svg class=\"share\" [^>]*><rect width=\"(?<width>[^\"]+)\"");
        var down = Regex.Matches(Words("down"), "<svg class=\"share down\" [^>]*><rect x=\"(?<x>[^\"]+)\" width=\"(?<width>[^\"]+)\"");
        Assert.Equal(one.Top.Count(score => score.Value >= 0), up.Count);
        Assert.Equal(one.Bottom.Count(score => score.Value < 0), down.Count);
        Assert.All(up.Zip(one.Top), bar => Assert.Equal(100 * bar.Second.Value / largest, Number(bar.First, "width"), 0.1));
        Assert.All(
            down.Zip(one.Bottom),
            bar =>
            {
                Assert.Equal(-100 * bar.Second.Value / largest, Number(bar.First, "width"), 0.1);
                Assert.Equal(100, Number(bar.First, "x") + Number(bar.First, "width"), 0.11);
            }
        );
        Assert.Contains("Promoted", Words("up"));
        Assert.Contains("Suppressed", Words("down"));
        var sheet = await Page("/assets/feature.css");
        Assert.Contains(".share rect { fill: var(--one); }", sheet);
        Assert.Contains(".share.down rect { fill: var(--two); }", sheet);
    }

    [Fact]
    public async Task a_rule_about_tokens_is_a_name_of_words_and_stands_in_full_below()
    {
        var (database, stored) = (await server.Database(), await server.Stored());
        var feature = (await server.Labelled() + 2) % stored.Width;
        database.AddLabels(stored, [(feature, new FeatureLabel("tokens: \" Ch\", \"Ch\", \" mat\"", "token rules"))]);
        var page = await Page($"{Dictionary}/{feature}");
        var title = Regex.Match(page, "<h1.*?</h1>", RegexOptions.Singleline).Value;
        Assert.Contains("<code class=\"word\">Ch</code>", title);
        Assert.DoesNotContain("tokens:", Regex.Replace(title, "title=\"[^\"]*\"", ""));
        Assert.Contains("<li>tokens: &quot; Ch&quot;, &quot;Ch&quot;, &quot; mat&quot;", page);
    }

    [Fact]
    public async Task steering_tells_the_next_tokens_before_the_texts_and_its_effect_behind_them()
    {
        var feature = await server.Labelled();
        using var model = GemmaModel.Load(Path.Combine(AppContext.BaseDirectory, "models", "demo-pt"));
        using var dictionary = MicroscopeServer.LoadDictionary();
        var prompt = model.Tokenizer.Encode("The cat", addBos: true);
        using var body = new StringContent(
            $$"""{"dictionary":"{{MicroscopeServer.Dictionary}}","feature":{{feature}},"text":"The cat","strength":60,"max_tokens":12,"temperature":0}""",
            System.Text.Encoding.UTF8,
            "application/json"
        );
        var answer = await Client.PostAsync(new Uri(await server.Address(), "/api/steer"), body);
        var pieces = (await answer.Content.ReadAsStringAsync())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToArray();
        string Kind(JsonElement piece) => piece.GetProperty("kind").GetString()!;
        Assert.Equal(["normal", "steered"], pieces[..2].Select(Kind));
        Assert.Equal(["normal", "steered"], pieces[^2..].Select(Kind));

        // Logits of the model, in all their digits.
        var edits = global::GemmaScope.Behaviour.Steering.Edits(
            SteeringMode.Add,
            [new(dictionary, feature, 60)],
            model.Config,
            new Positions(1, int.MaxValue)
        );
        foreach (var (piece, changes) in ((JsonElement, IReadOnlyList<Edit>)[])[(pieces[0], []), (pieces[1], edits)])
        {
            using var run = model.Run(prompt, edits: changes, logits: LogitRows.Last);
            double[] logits = [.. run.LastLogits()[..model.Config.RealVocabulary]];
            var sum = logits.Sum(Math.Exp);
            var next = piece.GetProperty("next").EnumerateArray().ToArray();
            Assert.Equal(5, next.Length);
            Assert.Equal(run.TopNextTokens(5).Select(token => token.Token), next.Select(token => token.GetProperty("id").GetInt32()));
            Assert.All(
                next,
                token =>
                    Assert.Equal(
                        Math.Exp(logits[token.GetProperty("id").GetInt32()]) / sum,
                        token.GetProperty("probability").GetDouble(),
                        1e-5
                    )
            );
        }
        Assert.Equal(0, pieces[0].GetProperty("next_kl").GetDouble());
        Assert.Equal(SteeringEffect.Measure(model, prompt, [], edits).Kl, pieces[1].GetProperty("next_kl").GetDouble(), 1e-5);

        // The numbers of the command.
        int[] Continued(IReadOnlyList<Edit> changes) =>
            [
                .. model.Generate(
                    prompt,
                    new GenerationOptions
                    {
                        MaxNewTokens = 12,
                        Temperature = 0,
                        FrequencyPenalty = 1,
                        Seed = 16,
                        Edits = changes,
                    }
                ),
            ];
        var measured = SteeringEffect.Measure(model, prompt, Continued(edits), edits);
        var effect = pieces[^1].GetProperty("effect");
        Assert.True(measured.Kl > 0.01);
        Assert.Equal(measured.Kl, effect.GetProperty("kl").GetDouble(), 1e-4);
        Assert.Equal(measured.Surprise, effect.GetProperty("surprise").GetDouble(), 1e-4);
        Assert.Equal(measured.Repetition, effect.GetProperty("repetition").GetDouble(), 1e-9);
        Assert.Equal(0, pieces[^2].GetProperty("effect").GetProperty("kl").GetDouble(), 1e-9);

        // The page says the same without script.
        var page = await Page($"{Dictionary}/{feature}?steer=The+cat&strength=60&max_tokens=12&temperature=0&test=The+cat");
        Assert.Contains(FormattableString.Invariant($"id=\"effect\">KL {measured.Kl:0.000} nats a token"), page);
        Assert.Equal(10, Regex.Count(page.Split("class=\"outcome\"")[1].Split("id=\"effect\"")[0], "<svg class=\"share\""));
        // One page has both, what was tested and what was steered.
        Assert.Contains("id=\"tested\" aria-live=\"polite\"><p class=\"bubble\"", page);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(80)]
    [InlineData(250)]
    [InlineData(2000)]
    public void the_stops_of_the_slider_are_in_equal_steps_within_its_range(float maximum)
    {
        var panel = $"{new SteeringView("/", "d", 0, maximum, new Trial()).Render()}";
        var stops = Regex
            .Matches(panel.Split("data-scale=\"times\"")[1].Split("data-scale")[0], "data-strength=\"([^\"]+)\"")
            .Select(stop => double.Parse(stop.Groups[1].Value, CultureInfo.InvariantCulture))
            .ToArray();
        Assert.Equal(maximum > 0 ? 7 : 0, stops.Length);
        Assert.All(stops, stop => Assert.InRange(stop, -300, 300));
        Assert.All(stops.Zip(stops.Skip(1)), pair => Assert.Equal(stops[^1] / 3, pair.Second - pair.First, 0.2));
        if (maximum > 0)
            Assert.True(stops[^1] >= Math.Min(150, 3 * maximum - 0.1));
    }

    [Fact]
    public async Task each_line_of_the_table_has_a_small_histogram_and_words()
    {
        var (database, stored) = (await server.Database(), await server.Stored());
        var page = await Page($"{Dictionary}?show=alive&sort=max");
        var lines = page.Split("<table class=\"features\">")[1].Split("</table>")[0].Split("<tr").Skip(2).ToArray();
        var rows = database
            .Table(stored, new())
            .Where(row => row.Count > 0)
            .OrderByDescending(row => row.Max)
            .Take(TableQuery.Size)
            .ToArray();
        Assert.Equal(rows.Length, lines.Length);
        foreach (var (line, row) in lines.Zip(rows))
        {
            var histogram = database.Page(stored, row.Feature)!.Feature.Dashboard.Histogram;
            var path = Regex.Match(line, "<svg class=\"mini\"[^>]*><path d=\"([^\"]+)\"").Groups[1].Value;
            // The largest bin reaches the top, and an empty one stays on the ground.
            double[] tops =
            [
                .. Regex.Matches(path, "V([0-9.]+)h1").Select(top => double.Parse(top.Groups[1].Value, CultureInfo.InvariantCulture)),
            ];
            int[] counts = [.. histogram.Chunk(2).Select(pair => pair.Sum())];
            Assert.Equal(counts.Length, tops.Length);
            Assert.All(tops.Zip(counts), bin => Assert.Equal(16 * (1 - Math.Sqrt((double)bin.Second / counts.Max())), bin.First, 0.06));
            Assert.Equal(row.Label is null, line.Contains("<td class=\"n s\"></td>"));
            Assert.Contains("data-card=", line);
        }
        Assert.All(
            lines.Zip(rows).Where(one => one.Second.Label is null),
            one => Assert.Matches("<td class=\"wide\">.*?<code class=\"word\">", one.First)
        );
    }

    [Fact]
    public async Task the_telling_features_stand_first_the_dense_behind_them_and_the_dead_last()
    {
        var rows = (await server.Database()).Table(await server.Stored(), new());
        var all = await Client.GetStringAsync(new Uri(await server.Address(), $"{Dictionary}.csv?sort=telling"));
        var order = all.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
            .Skip(1)
            .Select(line => rows[int.Parse(line.Split(',')[0])])
            .ToArray();
        Assert.Equal(rows.Count, order.Length);
        int Rank(FeatureRow row) =>
            row.Count == 0 ? 2
            : row.Density > 0.1 ? 1
            : 0;
        Assert.Equal(order.Select(Rank).Order(), order.Select(Rank));
        Assert.Contains(order, row => Rank(row) == 1);
        Assert.Contains(order, row => Rank(row) == 2);
        // The page begins like that; programs get the order of the indices.
        Assert.Equal(order.Take(100).Select(row => row.Feature), await Listed(""));
        Assert.Equal(
            rows.Take(3).Select(row => row.Feature),
            (await Client.GetStringAsync(new Uri(await server.Address(), $"{Dictionary}.csv")))
                .Split("\r\n")[1..4]
                .Select(line => int.Parse(line.Split(',')[0]))
        );
    }

    [Fact]
    public void a_better_label_a_rarer_feature_and_more_evidence_tell_more()
    {
        static double Telling(long count, double density, string? label, double? score) =>
            TableQuery.HowTelling(new FeatureRow(0, count, density, 10, label, score));
        Assert.True(Telling(1000, 0.01, "a", 0.9) > Telling(1000, 0.01, "a", 0.6));
        Assert.True(Telling(1000, 0.01, "a", 0.9) > Telling(1000, 0.01, null, null));
        Assert.True(Telling(1000, 0.01, null, null) > Telling(1000, 0.01, "a", 0.5));
        Assert.True(Telling(1000, 0.001, "a", 0.9) > Telling(1000, 0.01, "a", 0.9));
        Assert.True(Telling(1000, 0.001, "a", 0.9) > Telling(2, 0.0001, "a", 0.9));
    }

    [Fact]
    public async Task the_head_of_a_column_orders_by_it_and_turns_the_order_round()
    {
        var rows = (await server.Database()).Table(await server.Stored(), new());
        string Head(string page, string name) =>
            WebUtility.HtmlDecode(Regex.Match(page, $"<th[^>]*><a href=\"([^\"]+)\"[^>]*>{name}").Groups[1].Value);
        var down = Head(await Page(Dictionary + "?label="), "density");
        Assert.Equal(rows.Max(row => row.Density), rows[(await Listed(down[Dictionary.Length..]))[0]].Density);
        var page = await Page(down);
        Assert.Contains("aria-current=\"true\">density ▾", page);
        var up = Head(page, "density");
        Assert.Equal(rows.Min(row => row.Density), rows[(await Listed(up[Dictionary.Length..]))[0]].Density);
        Assert.Contains("aria-current=\"true\">density ▴", await Page(up));
    }

    [Fact]
    public async Task a_range_of_densities_is_asked_for_in_percent_and_what_is_no_number_is_refused()
    {
        var rows = (await server.Database()).Table(await server.Stored(), new());
        var wanted = rows.Where(row => row.Density is >= 0.02 and <= 0.05).Select(row => row.Feature).ToArray();
        Assert.NotEmpty(wanted);
        Assert.Equal(wanted.Take(100), await Listed("?sort=index&min_density=2&max_density=5"));
        // Fields that are left empty ask for nothing.
        Assert.Equal(await Listed(""), await Listed("?label=&show=all&min_density=&max_density=&sort=&order="));
        using var refused = await Client.GetAsync(new Uri(await server.Address(), $"{Dictionary}?min_density=much"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("give percent of the tokens", WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync()));
    }
}
