using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The chat with a model that thinks: thoughts are told apart from the answer, in text and in tokens.</summary>
public class ChatThinkingTests(ThinkingServer server) : IClassFixture<ThinkingServer>
{
    private async Task<JsonElement[]> Say(object request)
    {
        var answer = await server.Client.PostAsJsonAsync("/api/chat", request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static string Joined(JsonElement[] pieces, string kind, string member) =>
        string.Concat(
            pieces
                .Where(piece => piece.GetProperty("kind").GetString() == kind && piece.TryGetProperty(member, out _))
                .Select(piece => piece.GetProperty(member).GetString())
        );

    private static string Tokens(JsonElement read, string whose) =>
        string.Concat(read.GetProperty(whose).GetProperty("tokens").EnumerateArray().Select(one => one.GetString())).Replace('▁', ' ');

    private static double[] Values(JsonElement read, string whose) =>
        [.. read.GetProperty(whose).GetProperty("projections")[0].GetProperty("values").EnumerateArray().Select(one => one.GetDouble())];

    [Fact]
    public async Task thoughts_come_apart_from_the_answer_and_each_has_its_tokens_features_and_lines()
    {
        var pieces = await Say(
            new
            {
                turns = new[] { new { user = ThinkingServer.Question } },
                temperature = 0,
                thinking = true,
            }
        );
        Assert.Equal(ThinkingServer.Thoughts, Joined(pieces, "normal", "thinking"));
        Assert.Equal(ThinkingServer.Answer, Joined(pieces, "normal", "text"));
        Assert.Equal("end", Joined(pieces, "normal", "ended"));
        var read = pieces[^1].GetProperty("read");
        Assert.Equal(ThinkingServer.Thoughts, Tokens(read, "normal_thinking"));
        Assert.Equal(ThinkingServer.Answer, Tokens(read, "normal"));
        Assert.Equal(ThinkingServer.Question, Tokens(read, "user"));
        // The letter is thought and not said.
        Assert.Equal(
            0,
            Assert.Single(read.GetProperty("normal_thinking").GetProperty("features").EnumerateArray()).GetProperty("index").GetInt32()
        );
        Assert.Empty(read.GetProperty("normal").GetProperty("features").EnumerateArray());
        var along = Values(read, "normal_thinking");
        Assert.Equal(7, Array.IndexOf(along, along.Max()));
        Assert.Single(Values(read, "normal"));
        Assert.False(read.TryGetProperty("steered_thinking", out _));
    }

    [Fact]
    public async Task what_was_thought_is_read_again_as_it_was_written()
    {
        var written = await Say(
            new
            {
                turns = new[] { new { user = ThinkingServer.Question } },
                temperature = 0,
                thinking = true,
            }
        );
        var again = await Say(
            new
            {
                turns = new[]
                {
                    new
                    {
                        user = ThinkingServer.Question,
                        normal = ThinkingServer.Answer,
                        normal_thinking = ThinkingServer.Thoughts,
                    },
                },
                thinking = true,
            }
        );
        var (one, other) = (written[^1].GetProperty("read"), Assert.Single(again).GetProperty("read"));
        Assert.Equal(Tokens(one, "normal_thinking"), Tokens(other, "normal_thinking"));
        Assert.All(
            Values(one, "normal_thinking").Zip(Values(other, "normal_thinking")),
            pair => Assert.Equal(pair.First, pair.Second, 1e-4)
        );
        Assert.Equal("cat", Tokens(other, "normal").Trim());
    }

    [Fact]
    public async Task thoughts_that_are_cut_off_leave_no_answer()
    {
        var pieces = await Say(
            new
            {
                turns = new[] { new { user = ThinkingServer.Question } },
                temperature = 0,
                thinking = true,
                max_tokens = 8,
            }
        );
        Assert.StartsWith(Joined(pieces, "normal", "thinking"), ThinkingServer.Thoughts);
        Assert.NotEqual("", Joined(pieces, "normal", "thinking"));
        Assert.Equal("", Joined(pieces, "normal", "text"));
        Assert.Equal("max_tokens", Joined(pieces, "normal", "ended"));
        Assert.Equal(0, pieces[^1].GetProperty("read").GetProperty("normal").GetProperty("tokens").GetArrayLength());
    }

    [Fact]
    public async Task a_steered_reply_has_thoughts_of_its_own_and_both_columns_go_on()
    {
        var pieces = await Say(
            new
            {
                turns = new object[]
                {
                    new
                    {
                        user = ThinkingServer.Question,
                        normal = "A.",
                        normal_thinking = "a",
                        steered = "B.",
                        steered_thinking = "b",
                    },
                    new { user = ThinkingServer.Question },
                },
                directions = new[] { new { name = "letter", strength = 0.001 } },
                temperature = 0,
                thinking = true,
            }
        );
        Assert.Equal(ThinkingServer.Thoughts, Joined(pieces, "steered", "thinking"));
        Assert.Equal(ThinkingServer.Thoughts, Tokens(pieces[^1].GetProperty("read"), "steered_thinking"));
    }

    [Fact]
    public async Task a_form_without_script_shows_thoughts_folded_up_and_keeps_them()
    {
        var answer = await server.Client.PostAsync(
            "/chat",
            new FormUrlEncodedContent(
                new Dictionary<string, string>
                {
                    ["message"] = ThinkingServer.Question,
                    ["thinking"] = "yes",
                    ["temperature"] = "0",
                    ["watch0"] = "yes",
                }
            )
        );
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Matches("name=\"thinking\" value=\"yes\" checked", page);
        Assert.Contains("<details class=\"thoughts\" data-thoughts=\"normal_thinking\"><summary>", page);
        Assert.Contains("<details class=\"thoughts\" data-thoughts=\"steered_thinking\" hidden>", page);
        Assert.DoesNotContain("&lt;|channel", page);
        var turn = JsonDocument
            .Parse(WebUtility.HtmlDecode(Regex.Match(page, "name=\"turns\" value=\"([^\"]*)\"").Groups[1].Value))
            .RootElement[0];
        Assert.Equal(
            (ThinkingServer.Answer, ThinkingServer.Thoughts),
            (turn.GetProperty("normal").GetString(), turn.GetProperty("normal_thinking").GetString())
        );
        Assert.DoesNotContain("name=\"thinking\"", await OfAnotherModel());
    }

    private static async Task<string> OfAnotherModel()
    {
        await using var other = new ChatServer();
        await other.InitializeAsync();
        return await other.Client.GetStringAsync("/chat");
    }

    [Fact]
    public void a_saved_conversation_keeps_its_thoughts_for_the_command()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "chat.json",
            """{"gemmascope": "chat", "format": 1, "turns": [{"user": "Hi", "normal": "Hello", "normal_thinking": "greet"}]}"""
        );
        Assert.Equal(["user", "assistant"], SavedConversation.Read(file).Select(message => message.Role));
        Assert.Equal("greet", SavedConversation.Read(file)[1].Reasoning);
    }
}
