using System.CommandLine;
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
        foreach (var note in tokenizer.Notes)
            session.Terminal.Error.WriteLine($"note: {note}");
        var json = arguments.GetValue(_json);
        if (decode is not null)
        {
            var ids = Ids(decode);
            var decoded = new DecodeResult(tokenizer.File, ids, tokenizer.Decode(ids));
            (json ? session.Terminal.Data : session.Terminal.Text).WriteLine(json ? ResultJson.Text(decoded) : decoded.Text);
            return Application.Success;
        }
        var options = new TokenizeJobOptions { Text = text, AddBos = !arguments.GetValue(_noBos) };
        var result = session.Run((progress, cancellationToken) => TokenizeJob.RunAsync(tokenizer, options, progress, cancellationToken));
        if (json)
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            Print(result, tokenizer, session);
        return Application.Success;
    }

    private static void Print(TokenizeResult result, Tokenizer tokenizer, Session session)
    {
        var table = new DataTable(new("position", true), new("id", true), "piece", new("start", true), new("end", true), "text");
        foreach (var token in result.Tokens)
        {
            session.Cancellation.ThrowIfCancellationRequested();
            table.Add(
                $"{token.Position}",
                $"{token.Id}",
                tokenizer.Display(token.Id).Replace(' ', '▁'),
                $"{token.Start}",
                $"{token.End}",
                Format.Quoted(result.Text[token.Start..token.End])
            );
        }
        table.Write(session.Terminal);
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
