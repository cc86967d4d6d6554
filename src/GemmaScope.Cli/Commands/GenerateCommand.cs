using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Spectre.Console;

namespace GemmaScope.Cli.Commands;

/// <summary>Continues a text, printing each token as it is chosen.</summary>
internal sealed class GenerateCommand : GemmaScopeCommand
{
    private readonly TextInput _prompt;
    private readonly Option<string> _model;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _noBos,
        _ignoreEnd,
        _json;

    public GenerateCommand()
        : base(
            "generate",
            "Continue a text. The text goes to the standard output, the speed to the standard error.",
            "gemmascope generate \"Once upon a time\"",
            "gemmascope generate \"The capital of France is\" --model google/gemma-2-2b --temperature 0 --max-tokens 8",
            "gemmascope generate - --top-k 40 --top-p 0.95 --seed 7 --json < prompt.txt"
        )
    {
        _prompt = new TextInput(this, "prompt", "The text to continue.");
        _model = Add(CommonOptions.Model());
        _sampling = new SamplingOptions(this);
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _ignoreEnd = Add(new Option<bool>("--ignore-end") { Description = "Go on after the tokens that end a text." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var text = _prompt.Read(arguments, session);
        var options = _sampling.Read(arguments) with { StopTokens = arguments.GetValue(_ignoreEnd) ? [] : null };
        var name = arguments.GetValue(_model)!;
        using var model = session.LoadModel(name);
        var tokenizer = model.Tokenizer;
        var prompt = tokenizer.Encode(text, !arguments.GetValue(_noBos));
        var json = arguments.GetValue(_json);

        var stream = new TokenStream(tokenizer, json ? TextWriter.Null : session.Terminal.Out);
        if (!json && session.Terminal.OutputIsTerminal)
            session.Terminal.Console.Write(new Paragraph(text, new Style(decoration: Decoration.Dim)));
        stream.Print(model.Generate(prompt, options, cancellationToken: session.Cancellation));
        var reason =
            stream.Interrupted ? "interrupted"
            : stream.Ids.Count == options.MaxNewTokens ? "max_tokens"
            : prompt.Length + stream.Ids.Count > model.Config.MaxPositions ? "context"
            : "end_token";
        if (json)
            Write(session.Terminal, name, text, prompt, stream, reason);
        else
            session.Terminal.Out.WriteLine();
        session.Terminal.Out.Flush();
        if (!json)
            session.Terminal.Error.WriteLine(stream.Speed(prompt.Length));
        session.Cancellation.ThrowIfCancellationRequested();
        return Application.Success;
    }

    private static void Write(Terminal terminal, string model, string text, int[] prompt, TokenStream stream, string reason) =>
        Json.Write(
            terminal,
            json =>
            {
                json.WriteString("model", model);
                json.WriteString("prompt", text);
                json.Integers("prompt_ids", prompt);
                json.WriteString("text", stream.Text);
                json.Integers("ids", stream.Ids);
                json.WriteString("stopped_by", reason);
                json.Number("seconds", stream.Seconds);
                json.Number("tokens_per_second", stream.TokensPerSecond);
                json.WriteString("arithmetic", Format.Arithmetic(Compute.DefaultArithmetic));
                json.WriteString("kernels", Compute.Kernels.Name);
            }
        );
}
