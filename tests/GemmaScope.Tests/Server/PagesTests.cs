using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Features.Exchange;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The pages as a program gets them from a real server.</summary>
public class PagesTests(MicroscopeServer server)
{
    private static readonly HttpClient Client = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };

    private static string FeaturePath(int feature) => $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{feature}";

    private async Task<(HttpResponseMessage Answer, string Text)> Get(string path)
    {
        var answer = await Client.GetAsync(new Uri(await server.Address(), path));
        return (answer, await answer.Content.ReadAsStringAsync());
    }

    private async Task<(HttpResponseMessage Answer, string Text)> Post(string path, string json)
    {
        using var body = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        var answer = await Client.PostAsync(new Uri(await server.Address(), path), body);
        return (answer, await answer.Content.ReadAsStringAsync());
    }

    private async Task<string> Page(string path)
    {
        var (answer, text) = await Get(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return text;
    }

    [Fact]
    public async Task a_feature_page_shows_what_the_database_holds()
    {
        var (feature, stored) = (await server.Labelled(), await server.Stored());
        var one = (await server.Database()).Page(stored, feature)!.Feature.Dashboard;
        var page = await Page(FeaturePath(feature));
        Assert.Contains($"<dd>{Digits.Percent(one.Density)}</dd>", page);
        Assert.Contains(FormattableString.Invariant($"<dd>{one.Max:0.0}</dd>"), page);
        Assert.Contains(FormattableString.Invariant($"<td class=\"n\">{one.Density:0.0000 %}</td>"), page);
        Assert.Equal(one.Examples.Count(example => example.Interval < 0), Regex.Count(page, "class=\"peak\""));
        foreach (var near in one.Neighbours)
            Assert.Contains($"href=\"{FeaturePath(near.Feature)}\"", page);
        Assert.Contains("by hand", page);
        Assert.Contains($"rel=\"next\" href=\"{FeaturePath(feature + 1)}\"", page);
    }

    [Fact]
    public async Task a_dead_feature_says_so_and_draws_nothing()
    {
        var dead = (await server.Database()).Table(await server.Stored(), new() { HighestDensity = 0 })[0].Feature;
        var page = await Page(FeaturePath(dead));
        Assert.Contains("it never fires", page);
        Assert.Contains("there is nothing to show", page);
        Assert.DoesNotContain("Activations above 0", page);
    }

    [Fact]
    public async Task bytes_and_special_tokens_are_named_as_what_they_are()
    {
        var page = await Page($"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}/0");
        Assert.Contains("‹0xF0›", page);
        Assert.Contains("class=\"s0 byte\"", page);
        Assert.DoesNotContain('\u202E', page);
        Assert.DoesNotContain('\0', page);
        var first = (await Page("/?q=Hi")).Split("id=\"t0\"")[0];
        Assert.EndsWith("<a class=\"s0 special\" ", first);
    }

    [Fact]
    public async Task the_same_address_with_json_has_the_numbers()
    {
        var (feature, stored) = (await server.Labelled(), await server.Stored());
        var (answer, text) = await Get(FeaturePath(feature) + ".json");
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        using var json = JsonDocument.Parse(text);
        var one = (await server.Database()).Page(stored, feature)!.Feature.Dashboard;
        Assert.Equal(one.Max, json.RootElement.GetProperty("maxActApprox").GetSingle());
        Assert.Equal(
            one.Histogram,
            json.RootElement.GetProperty("freq_hist_data_bar_heights").EnumerateArray().Select(count => count.GetInt32())
        );
    }

    [Fact]
    public async Task an_embedded_page_has_no_navigation_and_the_height_asked_for()
    {
        var (answer, page) = await Get(
            FeaturePath(await server.Labelled()) + "?embed=true&embedexplanation=false&embedplots=false&embedtest=true&height=300"
        );
        Assert.DoesNotContain("<header", page);
        Assert.DoesNotContain("class=\"key\"", page);
        Assert.DoesNotContain("class=\"plots", page);
        Assert.Contains("class=\"bubble\"", page);
        Assert.Contains("body{height:300px;overflow:auto}", page);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("frame-ancestors *", policy);
        Assert.Contains("'sha256-", policy);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/?q=Paris&token=1")]
    [InlineData("/demo-pt")]
    [InlineData("/demo-pt/0-hostile")]
    [InlineData("/demo-pt/0-hostile/0")]
    [InlineData("/search?q=paris")]
    [InlineData("/nothing")]
    [InlineData("/lists")]
    [InlineData("/chat")]
    [InlineData("/studies")]
    [InlineData("/studies/whole")]
    [InlineData("/studies/whole/rows?table=runs.sets.each")]
    [InlineData("/demo-pt/resid_post-layer_3-width_2k-average_l0_35/3")]
    public async Task a_page_fetches_nothing_from_elsewhere_and_lets_nothing_else_run(string path)
    {
        var (answer, page) = await Get(path);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'; connect-src 'self'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.Equal("same-origin", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.DoesNotMatch("""(src|href|action)="(https?:)?//""", page);
        // Names of attributes are looked at, not what they or texts hold.
        Assert.DoesNotMatch("""\sstyle=|\son\w+=""", Regex.Replace(Regex.Replace(page, ">[^<]*<", "><"), "\"[^\"]*\"", "\"\""));
        foreach (Match asset in Regex.Matches(page, "(?:src|href)=\"(/assets/[^\"]+)\""))
            await Page(asset.Groups[1].Value);
    }

    [Fact]
    public async Task labels_tokens_notes_and_parameters_cannot_become_tags()
    {
        var attack = Uri.EscapeDataString(MicroscopeServer.Attack);
        foreach (
            var path in (string[])
                [
                    FeaturePath(await server.Labelled()),
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}/0",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}?show=labelled",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}?label={attack}&show={attack}&sort={attack}",
                    $"/?q={attack}",
                    $"/?q={attack}&token=3&feature={await server.Labelled()}",
                    $"/?q=a&dict={attack}",
                    $"/search?q={attack}",
                    $"/chat?message={attack}",
                    "/studies",
                    "/studies/hostile",
                    "/studies/hostile/rows?table=prompts",
                    $"/studies/hostile/rows?table={attack}",
                    $"/studies/whole/rows?table=prompts&q={attack}&of.id={attack}",
                    $"/studies/{attack}",
                    $"/{attack}",
                    $"/{attack}/{attack}",
                    $"/{attack}/{attack}/1",
                ]
        )
        {
            var (_, page) = await Get(path);
            Assert.Contains("</html>", page);
            Assert.DoesNotContain("<script>", page);
            Assert.DoesNotContain("<img", page);
            Assert.DoesNotContain("\"'>", page);
        }
    }

    [Fact]
    public async Task several_explanations_stand_best_first_with_author_and_both_scores_and_none_becomes_a_tag()
    {
        var (database, stored) = (await server.Database(), await server.Stored());
        var feature = (await server.Labelled() + 1) % stored.Width;
        string attack = MicroscopeServer.Attack,
            detection = FeatureLabel.DetectionScore;
        database.AddLabels(
            stored,
            [
                (feature, new FeatureLabel("tokens: \" the\"", "token rules", "rules 1", 0.614, detection, 0.7, attack)),
                (feature, new FeatureLabel("worse " + attack, attack, attack, null, detection, 0.5, attack)),
                (feature, new FeatureLabel("articles & more", "a-model", "prompt 1", 0.921, detection, null, attack)),
            ]
        );
        var page = await Page(FeaturePath(feature));
        var places = (
            (string[])
                [
                    "articles &amp; more",
                    "by a-model, prompt 1, detection 0.92",
                    "tokens: &quot; the&quot;",
                    "by token rules, rules 1, detection 0.61, fuzzing 0.70",
                    "worse ",
                    "fuzzing 0.50",
                ]
        )
            .Select(part => page.IndexOf(part, page.IndexOf("<h1", StringComparison.Ordinal), StringComparison.Ordinal))
            .ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.DoesNotContain("<script>", page);
        Assert.DoesNotContain("<img", page);
        Assert.DoesNotContain("\"'>", page);
    }

    [Theory]
    [InlineData("/demo-pt/0-hostile/7", HttpStatusCode.NotFound, "There is no feature 7 here")]
    [InlineData("/demo-pt/other/7", HttpStatusCode.NotFound, "There is no dictionary other of demo-pt here")]
    [InlineData("/other", HttpStatusCode.NotFound, "There are no features of other here")]
    [InlineData("/?q=Paris&token=99", HttpStatusCode.BadRequest, "99 is no position of this text")]
    [InlineData("/?q=Paris&feature=99999", HttpStatusCode.BadRequest, "99999 is no feature of this dictionary")]
    [InlineData("/?q=Paris&dict=other", HttpStatusCode.NotFound, "There is no dictionary other here")]
    public async Task what_is_not_there_says_what_is(string path, HttpStatusCode status, string says)
    {
        var (answer, page) = await Get(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(says, WebUtility.HtmlDecode(page));
    }

    [Fact]
    public async Task a_text_that_is_too_long_is_refused_with_the_text_still_in_its_field()
    {
        var (answer, page) = await Get($"/?q={new string('a', 4001)}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("4001 characters", page);
        Assert.Contains(new string('a', 4001) + "</textarea>", page);
    }

    [Fact]
    public async Task the_microscope_shows_the_analysis_of_the_library()
    {
        var (_, text) = await Get("/analysis.json?q=The+cat+sat+in+Paris");
        using var json = JsonDocument.Parse(text);
        var page = await Page("/?q=The+cat+sat+in+Paris&token=5");
        var token = json.RootElement.GetProperty("tokens")[5];
        foreach (var feature in token.GetProperty("top_features").EnumerateArray())
        {
            // Within the server, whatever name a proxy gives it.
            Assert.StartsWith("/demo-pt/", feature.GetProperty("page").GetString());
            Assert.Contains($"id=\"f{feature.GetProperty("feature").GetInt32()}\"", page);
            Assert.Contains(FormattableString.Invariant($"<td class=\"n\">{feature.GetProperty("activation").GetSingle():0.0}</td>"), page);
        }
        Assert.Contains(FormattableString.Invariant($"<b>{json.RootElement.GetProperty("mean_l0").GetDouble():0.0}</b>"), page);
        Assert.Contains(FormattableString.Invariant($"<b>{1 - json.RootElement.GetProperty("fvu").GetDouble():0.000}</b>"), page);
    }

    [Fact]
    public async Task a_text_is_shaded_by_the_feature_of_the_link_relative_to_its_maximum()
    {
        var feature = await server.Labelled();
        using var json = JsonDocument.Parse((await Get("/analysis.json?q=The+cat+sat+in+Paris")).Text);
        var maximum = (await server.Database()).Rows(await server.Stored(), [feature])[0].Max;
        var page = await Page($"/?q=The+cat+sat+in+Paris&feature={feature}");
        foreach (var token in json.RootElement.GetProperty("tokens").EnumerateArray().Skip(1))
        {
            var value = token
                .GetProperty("top_features")
                .EnumerateArray()
                .Where(one => one.GetProperty("feature").GetInt32() == feature)
                .Select(one => one.GetProperty("activation").GetDouble())
                .FirstOrDefault();
            // A feature that is not among the strongest of a token may still fire there.
            if (value > 0)
                Assert.Contains(
                    $"class=\"s{Math.Ceiling(Math.Min(value / maximum, 1) * 20)} \" id=\"t{token.GetProperty("position").GetInt32()}\"",
                    page
                );
        }
    }

    [Fact]
    public async Task several_features_shade_a_text_each_in_a_hue_of_its_own()
    {
        int[] strongest =
        [
            .. Regex
                .Matches(await Page("/?q=The+cat+sat+in+Paris"), "id=\"f(\\d+)\"")
                .Take(2)
                .Select(row => int.Parse(row.Groups[1].Value)),
        ];
        var page = await Page($"/?q=The+cat+sat+in+Paris&pins={strongest[0]},{strongest[1]}");
        Assert.Matches("class=\"s\\d+ \" id=\"t", page);
        Assert.Matches("class=\"s[1-9]\\d* hue1 \" id=\"t", page);
        // The list says which is which, and takes one off again.
        Assert.Contains($"pins={strongest[1]}\" data-in-place title=\"shade no longer by it\"", page);
        foreach (var wrong in (string[])["x", "1,-2", "9999999", "1;2"])
            Assert.Equal(HttpStatusCode.BadRequest, (await Get($"/?q=The+cat&pins={Uri.EscapeDataString(wrong)}")).Answer.StatusCode);
    }

    [Fact]
    public async Task the_first_feature_of_the_text_or_the_one_chosen_stands_beside_it()
    {
        var chosen = await server.Labelled();
        var page = await Page($"/?q=The+cat+sat+in+Paris&feature={chosen}");
        Assert.Matches($"id=\"beside\" class=\"chosen\"[^#]*#{chosen}</a>", page);
        page = await Page("/?q=The+cat+sat+in+Paris");
        var first = Regex.Match(page, "id=\"f(\\d+)\"").Groups[1].Value;
        Assert.Matches($"id=\"beside\" aria[^#]*#{first}</a>", page);
    }

    [Fact]
    public async Task the_card_of_a_feature_is_a_part_of_a_page_and_says_what_it_is_about()
    {
        var feature = await server.Labelled();
        var card = await Page(FeaturePath(feature) + "/card");
        Assert.StartsWith("<article class=\"feature-card\">", card);
        Assert.Contains(HtmlText.Encode(MicroscopeServer.Attack), card);
        Assert.Contains("<ol class=\"best\"><li>", card);
        Assert.Equal(HttpStatusCode.NotFound, (await Get(FeaturePath(999_999) + "/card")).Answer.StatusCode);
    }

    [Fact]
    public async Task a_table_is_filtered_sorted_and_written_as_csv()
    {
        var path = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";
        var rows = (await server.Database()).Table(await server.Stored(), new());
        var alive = rows.Where(row => row.Count > 0).OrderByDescending(row => row.Max).ToArray();
        var page = await Page(path + "?show=alive&sort=max&start=100");
        Assert.Equal(
            alive.Skip(100).Take(100).Select(row => $"#{row.Feature}"),
            Regex.Matches(page, @"(?<=<td class=""index""><a [^>]*>)#\d+").Select(match => match.Value)
        );
        var csv = (await Page(path + ".csv?show=alive&sort=max")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("feature,count,density,max,label,score", csv[0]);
        Assert.Equal(alive.Select(row => row.Feature), csv.Skip(1).Select(line => int.Parse(line.Split(',')[0])));
        Assert.Contains("No feature fits", await Page(path + "?label=nosuchlabel"));
    }

    [Fact]
    public async Task a_search_finds_labels_and_promoted_words()
    {
        Assert.Contains($"href=\"{FeaturePath(await server.Labelled())}\"", await Page("/search?q=attacked"));
        Assert.Contains("Nothing was found", await Page("/search?q=zzzzzzzz"));
    }

    [Fact]
    public async Task random_leads_to_a_feature_of_the_dictionary()
    {
        var (answer, _) = await Get($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/random");
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        await Page(answer.Headers.Location!.ToString());
    }

    [Fact]
    public async Task a_test_has_the_activations_of_the_analysis_on_the_page_and_as_data()
    {
        var feature = await server.Labelled();
        var (answer, text) = await Post(
            "/api/test",
            $$"""{"dictionary":"{{MicroscopeServer.Dictionary}}","feature":{{feature}},"text":"The cat sat"}"""
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var json = JsonDocument.Parse(text);
        var tokens = json.RootElement.GetProperty("tokens").EnumerateArray().ToArray();
        Assert.Equal(4, tokens.Length);
        Assert.Equal(0, tokens[0].GetProperty("activation").GetDouble());
        var largest = tokens.Max(token => token.GetProperty("activation").GetSingle());
        Assert.True(largest > 0);
        Assert.Equal(largest, json.RootElement.GetProperty("maximum").GetSingle());
        Assert.Contains(FormattableString.Invariant($"up to {largest:0.0}"), await Page(FeaturePath(feature) + "?test=The+cat+sat"));
    }

    [Fact]
    public async Task a_steered_text_is_what_an_edit_of_the_model_writes_and_strength_0_changes_nothing()
    {
        var feature = await server.Labelled();
        using var model = GemmaModel.Load(Path.Combine(AppContext.BaseDirectory, "models", "demo-pt"));
        using var dictionary = MicroscopeServer.LoadDictionary();
        var direction = new float[dictionary.OutputWidth];
        dictionary.Decoder(feature, direction);
        var prompt = model.Tokenizer.Encode("The cat", addBos: true);
        var options = new GenerationOptions
        {
            MaxNewTokens = 12,
            Temperature = 0.5,
            FrequencyPenalty = 1,
            Seed = 16,
        };
        string Continued(float strength) =>
            model.Tokenizer.Decode(
                [
                    .. prompt,
                    .. model.Generate(prompt, options with { Edits = [Edit.Add(dictionary.OutputSite, direction, strength, 1..)] }),
                ],
                skipSpecial: true
            )["The cat".Length..];

        foreach (var strength in (int[])[0, 60])
        {
            var (_, text) = await Post(
                "/api/steer",
                $$"""{"dictionary":"{{MicroscopeServer.Dictionary}}","feature":{{feature}},"text":"The cat","strength":{{strength}},"max_tokens":12}"""
            );
            var pieces = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement)
                .ToLookup(piece => piece.GetProperty("kind").GetString(), piece => piece.GetProperty("text").GetString());
            Assert.Equal(Continued(0), string.Concat(pieces["normal"]));
            Assert.Equal(Continued(strength), string.Concat(pieces["steered"]));
            Assert.Equal(strength == 0, Continued(0) == Continued(strength));
        }
    }

    [Fact]
    public async Task several_features_are_steered_together_in_every_mode()
    {
        var feature = await server.Labelled();
        var other = feature == 12 ? 13 : 12;
        using var model = GemmaModel.Load(Path.Combine(AppContext.BaseDirectory, "models", "demo-pt"));
        using var dictionary = MicroscopeServer.LoadDictionary();
        var prompt = model.Tokenizer.Encode("The cat", addBos: true);
        foreach (var (name, mode) in global::GemmaScope.Behaviour.Steering.Modes)
        {
            var hasStrength = global::GemmaScope.Behaviour.Steering.HasStrength(mode);
            var second = hasStrength && mode != global::GemmaScope.Behaviour.SteeringMode.Orthogonal ? -20 : 40;
            var (_, text) = await Post(
                "/api/steer",
                $$"""
                {"dictionary":"{{MicroscopeServer.Dictionary}}","features":[{"feature":{{feature}}},{"feature":{{other}}{{(
                    hasStrength ? $",\"strength\":{second}" : ""
                )}}}],"text":"The cat","mode":"{{name}}",
                {{(
                    hasStrength ? "\"strength\":40," : ""
                )}}"positions":"last","seed":3,"temperature":0.7,"frequency_penalty":0.5,"max_tokens":8}
                """
            );
            var steered = string.Concat(
                text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => JsonDocument.Parse(line).RootElement)
                    .Where(piece => piece.GetProperty("kind").GetString() == "steered")
                    .Select(piece => piece.GetProperty("text").GetString())
            );
            var edits = global::GemmaScope.Behaviour.Steering.Edits(
                mode,
                [new(dictionary, feature, 40), new(dictionary, other, second)],
                model.Config,
                new Positions(prompt.Length - 1, int.MaxValue)
            );
            var want = model.Generate(
                prompt,
                new GenerationOptions
                {
                    MaxNewTokens = 8,
                    Temperature = 0.7,
                    FrequencyPenalty = 0.5,
                    Seed = 3,
                    Edits = edits,
                }
            );
            Assert.Equal(model.Tokenizer.Decode([.. prompt, .. want], skipSpecial: true)["The cat".Length..], steered);
        }
    }

    [Fact]
    public async Task the_steering_form_works_without_script_and_shows_again_what_was_asked()
    {
        var path = FeaturePath(await server.Labelled());
        var page = await Page(
            $"{path}?steer=The+cat&mode=clamp&strength=12.5&with=12%3A5%2C+40&positions=last&seed=5&temperature=0.25&frequency_penalty=0&max_tokens=6"
        );
        Assert.Matches("<p class=\"bubble\" id=\"normal\">[^<]+</p>", page);
        Assert.Matches("<p class=\"bubble\" id=\"steered\">[^<]+</p>", page);
        foreach (
            var kept in (string[])
                [
                    "<option value=\"clamp\" data-strength-kind=\"times\" selected>",
                    "<option value=\"last\" selected>",
                    "value=\"12.5\"",
                    "value=\"12:5, 40\"",
                    "value=\"0.25\"",
                    "value=\"6\"",
                    "<details open>",
                    "<span data-mode=\"clamp\">",
                ]
        )
            Assert.Contains(kept, page);
        // A form sends the strength of a mode that has none.
        Assert.Matches(
            "<p class=\"bubble\" id=\"steered\">[^<]+</p>",
            await Page($"{path}?steer=The+cat&mode=ablate&strength=12.5&max_tokens=4")
        );
        foreach (
            var (query, says) in ((string, string)[])
                [
                    ("mode=loud", "must be one of"),
                    ("with=a", "is no feature"),
                    ("strength=1000", "must be from"),
                    ("with=99999", "is no feature"),
                    ("max_tokens=1000", "must be from"),
                ]
        )
        {
            var (answer, text) = await Get($"{path}?steer=The+cat&{query}");
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Matches($"id=\"steer-problem\" role=\"alert\">[^<]*{says}", text);
        }
    }

    [Fact]
    public async Task whoever_leaves_while_a_text_is_written_leaves_no_error_behind()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(await server.Address(), "/api/steer"))
        {
            Content = new StringContent(
                $$"""{"dictionary":"{{MicroscopeServer.Dictionary}}","feature":0,"text":"The cat that left"}""",
                System.Text.Encoding.UTF8,
                "application/json"
            ),
        };
        using (var answer = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        using (var lines = new StreamReader(await answer.Content.ReadAsStreamAsync()))
            Assert.Contains("\"kind\"", await lines.ReadLineAsync());
        await Page("/?q=The+cat+that+stayed");
        Assert.DoesNotContain("unhandled", server.Log);
    }

    [Theory]
    [InlineData("/api/test", """{"dictionary":"other","feature":0,"text":"a"}""", HttpStatusCode.NotFound)]
    [InlineData("/api/test", """{"dictionary":"DICT","feature":99999,"text":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/test", """{"dictionary":"DICT","feature":0,"text":""}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","strength":301}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","max_tokens":0}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","text":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"features":[{"feature":0}],"text":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","features":[{"feature":0,"strength":-301}],"text":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","features":[{"feature":0,"weight":1}],"text":"a"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","mode":"loud"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","mode":"ablate","strength":3}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","positions":"some"}""", HttpStatusCode.BadRequest)]
    [InlineData("/api/steer", """{"dictionary":"DICT","feature":0,"text":"a","temperature":-1}""", HttpStatusCode.BadRequest)]
    public async Task what_the_model_cannot_be_asked_is_a_problem_in_json(string path, string body, HttpStatusCode status)
    {
        var (answer, text) = await Post(path, body.Replace("DICT", MicroscopeServer.Dictionary));
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.NotEqual("", JsonDocument.Parse(text).RootElement.GetProperty("cure").GetString());
    }

    [Fact]
    public async Task notes_and_lists_are_kept_and_forms_of_other_sites_are_refused()
    {
        var path = FeaturePath(7);
        async Task<HttpResponseMessage> Form(string to, string? origin, params (string, string)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(await server.Address(), to))
            {
                Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Item1, field.Item2))),
            };
            if (origin is not null)
                request.Headers.Add("Origin", origin);
            return await Client.SendAsync(request);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await Form(path + "/note", "https://elsewhere.example", ("note", "not mine"))).StatusCode);
        Assert.DoesNotContain("not mine", await Page(path));
        Assert.Equal(
            HttpStatusCode.Redirect,
            (
                await Form(
                    path + "/note",
                    (await server.Address()).GetLeftPart(UriPartial.Authority),
                    ("note", MicroscopeServer.Attack + " mine")
                )
            ).StatusCode
        );
        var page = await Page(path);
        Assert.Contains(" mine</textarea>", page);
        Assert.DoesNotContain("<img", page);

        var list = (await Form(path + "/list", null, ("list", MicroscopeServer.Attack), ("why", "because"))).Headers.Location!.ToString();
        page = await Page(list);
        Assert.Contains($"href=\"{path}\"", page);
        Assert.DoesNotContain("<img", page);
        Assert.Contains("because", await Page(list + ".json"));
        await Form(
            list + "/remove",
            null,
            ("model", MicroscopeServer.Model),
            ("dictionary", MicroscopeServer.Dictionary),
            ("feature", "7")
        );
        Assert.Contains("The list is empty", await Page(list));
        await Form(list + "/delete", null);
        Assert.Equal(HttpStatusCode.NotFound, (await Get(list)).Answer.StatusCode);
    }

    [Fact]
    public async Task a_score_that_is_added_later_colours_its_point()
    {
        var (database, stored) = (await server.Database(), await server.Stored());
        var path = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";
        async Task<string> Point(int feature) =>
            Regex.Match(await Page(path), $"<a href=\"{path}/{feature}\" tabindex=\"-1\"><circle[^>]*>").Value;
        // Not every feature is a point.
        var feature = -1;
        foreach (var row in database.Table(stored, new()).Where(row => row is { Count: > 0, Label: null }).Take(8))
            if (feature < 0 && await Point(row.Feature) != "")
                feature = row.Feature;
        Assert.DoesNotContain("class=\"q3\"", await Point(feature));
        database.AddLabels(stored, [(feature, new FeatureLabel("scored later", "later", Score: 0.71))]);
        Assert.Contains("class=\"q3\"", await Point(feature));
    }

    [Fact]
    public async Task a_page_is_the_same_until_anyone_changes_the_database_and_need_not_be_sent_again()
    {
        async Task<HttpResponseMessage> Ask(string path, string? tag)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(await server.Address(), path));
            if (tag is not null)
                request.Headers.Add("If-None-Match", tag);
            return await Client.SendAsync(request);
        }

        // Other tests write to the same database meanwhile, so that a page may be made anew between two requests; not each time.
        for (var round = 0; ; round++)
        {
            var first = await Ask(FeaturePath(9), null);
            var again = await Ask(FeaturePath(9), $"{first.Headers.ETag}");
            if (again.StatusCode == HttpStatusCode.NotModified)
            {
                Assert.Equal("", await again.Content.ReadAsStringAsync());
                Assert.Equal(first.Headers.ETag, again.Headers.ETag);
                break;
            }
            Assert.True(round < 50);
        }
        var texts = new List<string>();
        for (var i = 0; i < 4; i++)
            texts.Add(await Page(FeaturePath(9)));
        Assert.Single(texts.Distinct());

        var before = (await Ask(FeaturePath(9), null)).Headers.ETag;
        (await server.Database()).SetNote(await server.Stored(), 9, "written by another program");
        var answer = await Ask(FeaturePath(9), $"{before}");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("written by another program", await answer.Content.ReadAsStringAsync());
        // What is computed is never the same.
        Assert.Null((await Ask(FeaturePath(9) + "?test=Hi", null)).Headers.ETag);
    }

    [Fact]
    public async Task every_shade_of_every_hue_has_the_contrast_that_letters_need()
    {
        var sheets = await Page("/assets/microscope.css") + await Page("/assets/hues.css");
        var shades = Regex.Matches(sheets, @"\.s\d+(?:\.hue\d)? \{ background:#(\w{6}); color:#(\w{3});");
        // Twenty of each hue, on light and on dark.
        Assert.Equal(2 * 20 * MicroscopeLink.MostPins, shades.Count);
        Assert.All(
            shades,
            shade =>
            {
                var (paper, letters) = (Luminance(shade.Groups[1].Value), shade.Groups[2].Value == "000" ? 0 : 1);
                Assert.True((Math.Max(paper, letters) + 0.05) / (Math.Min(paper, letters) + 0.05) >= 4.5, shade.Value);
            }
        );

        // WCAG 2.2, relative luminance.
        static double Luminance(string colour)
        {
            double Channel(int at) =>
                Convert.ToInt32(colour.Substring(at, 2), 16) / 255.0 is var c && c <= 0.04045
                    ? c / 12.92
                    : Math.Pow((c + 0.055) / 1.055, 2.4);
            return 0.2126 * Channel(0) + 0.7152 * Channel(2) + 0.0722 * Channel(4);
        }
    }
}
