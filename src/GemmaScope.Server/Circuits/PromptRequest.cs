using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Circuits;

/// <summary>Reads the prompt that a request on circuits is about: a text, or the tokens that a graph has.</summary>
internal static class PromptRequest
{
    /// <summary>The tokens of a prompt.</summary>
    /// <param name="served">The model.</param>
    /// <param name="text">A text; BOS is put in front.</param>
    /// <param name="tokens">Or its tokens, BOS included.</param>
    /// <exception cref="ArgumentProblemException">It is both or neither, too long, or a token is unknown.</exception>
    public static int[] Tokens(ServerModel served, string? text, IReadOnlyList<int>? tokens)
    {
        if (text is null == tokens is null)
            throw new ArgumentProblemException("give a text, or the tokens of a prompt", "text");
        var words = served.Model.Tokenizer.VocabularySize;
        int[] prompt = tokens is null ? served.Model.Tokenizer.Encode(Pages.TextReader.Checked(text!), addBos: true) : [.. tokens];
        foreach (var token in prompt)
            if (token < 0 || token >= words)
                throw new ArgumentProblemException($"has {token}, and there are tokens 0 to {words - 1}", "tokens");
        if (prompt.Length > served.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"has {prompt.Length} tokens, more than this model's context of {served.Model.Config.MaxPositions}",
                text is null ? "tokens" : "text"
            );
        return prompt;
    }
}
