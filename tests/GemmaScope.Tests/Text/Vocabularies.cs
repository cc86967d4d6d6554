using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Text;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

/// <summary>Tokenizers the tests use: the demo model's, and a tiny tokenizer.json made here.</summary>
internal static class Vocabularies
{
    private static readonly (string Old, string Mark)[] Gemma4Marks =
    [
        ("<unused40>", "<|tool>"),
        ("<unused41>", "<tool|>"),
        ("<unused42>", "<|tool_call>"),
        ("<unused43>", "<tool_call|>"),
        ("<unused44>", "<|tool_response>"),
        ("<unused45>", "<tool_response|>"),
        ("<unused46>", "<|\"|>"),
        ("<unused92>", "<|think|>"),
        ("<unused94>", "<|channel>"),
        ("<unused95>", "<channel|>"),
        ("<start_of_turn>", "<|turn>"),
        ("<end_of_turn>", "<turn|>"),
    ];

    private static readonly Lazy<Tokenizer> s_demo = new(() => Tokenizer.Load(Fixtures.Model("demo-pt", "tokenizer.model")));
    private static readonly Lazy<Tokenizer> s_tiny = new(() => Read(Tiny()));

    public static Tokenizer Demo => s_demo.Value;

    public static Tokenizer TinyJson => s_tiny.Value;

    /// <summary>Gemma 3's vocabulary with the marks of Gemma 4 in the places where Gemma 4 has them; without it the test is skipped. No
    /// vocabulary of Gemma 4 can be had here.</summary>
    public static Tokenizer Gemma4()
    {
        var found = VocabularyFinder.Find("gemma3", Fixtures.Repository, VerifyOptions.Default);
        Assert.SkipWhen(found is null, "the vocabulary of Gemma 3 is not on this machine");
        var text = new StringBuilder(File.ReadAllText(Directory.Exists(found) ? Path.Combine(found, "tokenizer.json") : found));
        foreach (var (old, mark) in Gemma4Marks)
            text.Replace($"\"{old}\"", $"\"{mark.Replace("\"", "\\\"")}\"");
        return JsonTokenizer.Read(Encoding.UTF8.GetBytes(text.ToString()), "gemma4.json");
    }

    public static Tokenizer Read(JsonNode json) => JsonTokenizer.Read(JsonSerializer.SerializeToUtf8Bytes(json), "tiny.json");

    /// <summary>A tokenizer.json in Gemma's form: four special tokens, all bytes, a few characters, merges and added tokens.</summary>
    public static JsonObject Tiny()
    {
        string[] pieces =
        [
            "<pad>",
            "<eos>",
            "<bos>",
            "<unk>",
            .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"),
            .. "▁abcdelo\n😀".EnumerateRunes().Select(r => r.ToString()),
            "ab",
            "bc",
            "abc",
            "▁a",
            "lo",
            "▁▁",
            "😀😀",
            "\n\n",
        ];
        string[][] merges =
        [
            ["▁", "▁"],
            ["b", "c"],
            ["a", "b"],
            ["a", "bc"],
            ["ab", "c"],
            ["▁", "a"],
            ["l", "o"],
            ["😀", "😀"],
            ["\n", "\n"],
        ];
        return new()
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(
                Added(0, "<pad>", true),
                Added(1, "<eos>", true),
                Added(2, "<bos>", true),
                Added(3, "<unk>", true),
                Added(Array.IndexOf(pieces, "\n\n"), "\n\n", false),
                Added(pieces.Length, "<image>", true)
            ),
            ["normalizer"] = Replace(" ", "▁"),
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { ["String"] = " " },
                ["behavior"] = "MergedWithPrevious",
                ["invert"] = false,
            },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["decoders"] = new JsonArray(
                    Replace("▁", " "),
                    new JsonObject { ["type"] = "ByteFallback" },
                    new JsonObject { ["type"] = "Fuse" }
                ),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = "<unk>",
                ["byte_fallback"] = true,
                ["vocab"] = new JsonObject(pieces.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id))),
                ["merges"] = new JsonArray([.. merges.Select(m => new JsonArray(m[0], m[1]))]),
            },
        };
    }

    private static JsonObject Added(int id, string content, bool special) =>
        new()
        {
            ["id"] = id,
            ["content"] = content,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = special,
        };

    private static JsonObject Replace(string pattern, string content) =>
        new()
        {
            ["type"] = "Replace",
            ["pattern"] = new JsonObject { ["String"] = pattern },
            ["content"] = content,
        };
}
