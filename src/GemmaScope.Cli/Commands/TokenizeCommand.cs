using System.CommandLine;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Cuts a text into tokens, or puts ids together to a text.</summary>
internal sealed class TokenizeCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly Option<string> _model;
    private readonly Option<string?> _tokenizer;
    private readonly Option<string?> _decode;
    private readonly Option<bool> _noBos,
        _json;

    public TokenizeCommand()
        : base(
            "tokenize",
            "Show the tokens of a text: ids, pieces and places in the text; or decode ids.",
            "gemmascope tokenize \"The cat sat on the mat.\"",
            "gemmascope tokenize --file novel.txt --model google/gemma-2-2b --json",
            "gemmascope tokenize --decode \"2 1037 4522\" --tokenizer tokenizer.json"
        )
    {
        _text = new TextInput(this, "text", "The text.");
        _model = Add(CommonOptions.Model());
        _tokenizer = Add(
            new Option<string?>("--tokenizer")
            {
                Description = "A tokenizer.model or tokenizer.json instead of the model's.",
                HelpName = "FILE",
            }
        );
        _decode = Add(
            new Option<string?>("--decode")
            {
                Description = "Print the text of these ids instead, separated by spaces or commas.",
                HelpName = "IDS",
            }
        );
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var decode = arguments.GetValue(_decode);
        if (decode is not null && _text.IsGiven(arguments))
            throw new ArgumentProblemException("give a text or --decode, not both", "text");
        var text = decode is null ? _text.Read(arguments, session) : "";
        var name = arguments.GetValue(_tokenizer) ?? arguments.GetValue(_model)!;
        var tokenizer = Tokenizer.Load(session.Find(Locator.TokenizerAsync, name));
        var json = arguments.GetValue(_json);
        if (decode is not null)
            Decode(Ids(decode), tokenizer, session.Terminal, json);
        else
        {
            // A tokenizer knows no cancellation; who interrupts does not wait for the end of a large text.
            var tokens = Task.Run(() => tokenizer.EncodeWithOffsets(text, !arguments.GetValue(_noBos)))
                .WaitAsync(session.Cancellation)
                .GetAwaiter()
                .GetResult();
            Encode(tokens, tokenizer, session, json);
        }
        return Application.Success;
    }

    private static void Encode(TokenizedText tokens, Tokenizer tokenizer, Session session, bool json)
    {
        if (json)
        {
            Json.Write(session.Terminal, writer => WriteTokens(writer, tokens, tokenizer, session.Cancellation));
            return;
        }
        var table = new DataTable(new("position", true), new("id", true), "piece", new("start", true), new("end", true), "text");
        for (var i = 0; i < tokens.Ids.Count; i++)
        {
            session.Cancellation.ThrowIfCancellationRequested();
            var (id, span) = (tokens.Ids[i], tokens.Spans[i]);
            table.Add(
                $"{i}",
                $"{id}",
                tokenizer.Display(id).Replace(' ', '▁'),
                $"{span.Start}",
                $"{span.End}",
                Format.Quoted(tokens.Text[span.Start..span.End])
            );
        }
        table.Write(session.Terminal);
    }

    private static void WriteTokens(Utf8JsonWriter writer, TokenizedText tokens, Tokenizer tokenizer, CancellationToken cancellationToken)
    {
        writer.WriteString("tokenizer", tokenizer.File);
        writer.WriteString("text", tokens.Text);
        writer.Objects(
            "tokens",
            Enumerable.Range(0, tokens.Ids.Count),
            i =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.WriteNumber("position", i);
                writer.WriteNumber("id", tokens.Ids[i]);
                writer.WriteString("piece", tokenizer.Piece(tokens.Ids[i]));
                writer.WriteNumber("start", tokens.Spans[i].Start);
                writer.WriteNumber("end", tokens.Spans[i].End);
            }
        );
    }

    private static void Decode(int[] ids, Tokenizer tokenizer, Terminal terminal, bool json)
    {
        var text = tokenizer.Decode(ids);
        if (!json)
        {
            terminal.Out.WriteLine(text);
            return;
        }
        Json.Write(
            terminal,
            writer =>
            {
                writer.WriteString("tokenizer", tokenizer.File);
                writer.Integers("ids", ids);
                writer.WriteString("text", text);
            }
        );
    }

    private static int[] Ids(string list) =>
        [
            .. list.Split([' ', ',', '\t', '\n', '\r', '[', ']'], StringSplitOptions.RemoveEmptyEntries)
                .Select(word =>
                    int.TryParse(word, out var id)
                        ? id
                        : throw new ArgumentProblemException(
                            $"'{word}' is no token id; write numbers separated by spaces or commas",
                            "--decode"
                        )
                ),
        ];
}
