using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>The vocabulary and chat template in a GGUF file: ids, texts and conversations as SentencePiece and the template give them.</summary>
internal sealed class GgufVocabularyChecks(GemmaModel model, JsonSection expected)
{
    /// <summary>A text in which the mark of a space is written out; llama.cpp tells it from a space, SentencePiece does not.</summary>
    private const string WrittenMark = "u2581";

    public IEnumerable<Check> Run()
    {
        var tokenizer = model.Tokenizer;
        yield return Golden.Count("tokens", tokenizer.VocabularySize, expected, "tokens");
        Tally ids = new("ids of texts"),
            marked = new("ids of texts with all special tokens"),
            decoded = new("decoded texts"),
            decodedIds = new("decoded ids");
        foreach (var entry in expected.Objects("texts"))
        {
            var text = entry.Text("text") ?? throw entry.Missing("text");
            ids.CompareAll(text, tokenizer.Encode(text), entry.Integers("ids") ?? []);
            if (entry.Integers("llama_cpp_parse_special") is { } all && entry.Text("kind") != WrittenMark)
                marked.CompareAll(text, tokenizer.EncodeMarked(text), all);
            if (entry.Text("decoded") is { } want)
                decoded.Compare(text, tokenizer.Decode(tokenizer.Encode(text)), want);
        }
        foreach (var entry in expected.Objects("decode_ids"))
            decodedIds.Compare(
                entry.Element.GetProperty("ids").GetRawText(),
                tokenizer.Decode([.. entry.Integers("ids") ?? []]),
                entry.Text("decoded") ?? throw entry.Missing("decoded")
            );
        foreach (var tally in new[] { ids, marked, decoded, decodedIds })
            if (!tally.IsEmpty)
                yield return tally.ToCheck();
        if (expected.Section("chat") is { } chat)
            foreach (var check in Chat(tokenizer, chat))
                yield return check;
    }

    private IEnumerable<Check> Chat(Tokenizer tokenizer, JsonSection chat)
    {
        ChatMessage[] messages =
        [
            .. chat.Objects("messages")
                .Select(message => new ChatMessage(
                    message.Text("role") ?? throw message.Missing("role"),
                    message.Text("content") ?? throw message.Missing("content")
                )),
        ];
        var (template, open) = (model.ChatTemplate, chat.Flag("add_generation_prompt") ?? false);
        var want = chat.Text("rendered") ?? throw chat.Missing("rendered");
        var got = template.Render(messages, open);
        yield return Check.That("chat, rendered", got == want, $"{template.Name}: {got.Length} characters");
        var ids = template.Encode(tokenizer, messages, open);
        yield return Check.That(
            "chat, one BOS",
            ids.Count(id => id == model.Config.BosId) == 1 && ids[0] == model.Config.BosId,
            $"{ids.Length} tokens"
        );
    }
}
